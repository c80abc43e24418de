#pragma once

#include <memory>
#include <string>

#include "google/protobuf/descriptor.h"
#include "google/protobuf/dynamic_message.h"
#include "google/protobuf/message.h"

namespace dondoc::gateway::testing {

// A proto file made at run time with one message, "test.Sink", that has a field of every kind we
// serve, and a service "test.Sinks" with the methods that `methods` adds in text format:
//   method { name: "Get" input_type: ".test.Sink" output_type: ".test.Sink"
//            options { [google.api.http] { get: "/v1/sinks/{name}" } } }
class KitchenSink {
 public:
  explicit KitchenSink(const std::string& methods = "");

  const google::protobuf::Descriptor& type() const { return *file_->FindMessageTypeByName("Sink"); }
  const google::protobuf::ServiceDescriptor* service() const { return file_->service(0); }
  google::protobuf::MessageFactory& factory() { return factory_; }
  std::unique_ptr<google::protobuf::Message> New() {
    return std::unique_ptr<google::protobuf::Message>(factory_.GetPrototype(&type())->New());
  }
  std::unique_ptr<google::protobuf::Message> FromText(const std::string& text);

 private:
  google::protobuf::DescriptorPool pool_;
  google::protobuf::DynamicMessageFactory factory_;
  const google::protobuf::FileDescriptor* file_ = nullptr;
};

}  // namespace dondoc::gateway::testing
