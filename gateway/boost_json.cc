// Boost.JSON's own code, once: Debian packages its library apart from libboost1.81-dev, and the
// headers suffice.
#include <boost/json/src.hpp>
