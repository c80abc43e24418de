#include "services/alerting/writing_plan.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/alerting/campaign.h"
#include "services/alerting/mime.h"

namespace dondoc::alerting {
namespace {

v1::MessageKind::Value SettingOf(MessageKind kind) {
  switch (kind) {
    case MessageKind::kReminder:
    case MessageKind::kFellBack:
      return v1::MessageKind::REMINDER;
    case MessageKind::kConfirmation:
      return v1::MessageKind::CONFIRMATION;
    case MessageKind::kExplanation:
      return v1::MessageKind::EXPLANATION;
    case MessageKind::kEscalation:
      return v1::MessageKind::ESCALATION;
    case MessageKind::kDoubtfulData:
      return v1::MessageKind::DOUBTFUL_DATA;
    case MessageKind::kDistrictDigest:
      return v1::MessageKind::DISTRICT_DIGEST;
    case MessageKind::kOfficeDigest:
      return v1::MessageKind::OFFICE_DIGEST;
  }
  return v1::MessageKind::UNSPECIFIED;
}

// The last covered day of the unit, or the window's end where only a statement speaks for it.
absl::CivilDay LastDay(const EvaluationFigures& figures, const std::string& unit_id) {
  const auto last = figures.last_days.find(unit_id);
  return last == figures.last_days.end() ? figures.to : last->second;
}

class Planner {
 public:
  Planner(const WritingInput& input, std::vector<v1::Flag>& flags) : input_(input), flags_(flags) {}

  std::vector<PlannedWriting> Plan() {
    for (size_t i = 0; i < flags_.size(); ++i) PlanUnit(i);
    PlanEscalations();
    PlanDigests();
    PlanOffice(MessageKind::kDoubtfulData, doubtful_);
    std::vector<size_t> all(flags_.size());
    for (size_t i = 0; i < all.size(); ++i) all[i] = i;
    PlanOffice(MessageKind::kOfficeDigest, all);
    return std::move(plan_);
  }

 private:
  bool IsWritten(MessageKind kind) const { return Writes(input_.campaign, SettingOf(kind)); }

  // The first mailbox that may be written to; empty with the reason in `why`.
  std::string RecipientOf(const std::string& unit_id, v1::Writing::Value& why) const {
    why = v1::Writing::NO_CONTACT;
    const auto contact = input_.contacts.find(unit_id);
    if (contact == input_.contacts.end()) return "";
    for (const std::string& email : contact->second.emails) {
      why = v1::Writing::RECIPIENT_REFUSED;
      if (IsMailAddress(email) && input_.guard.Allows(email)) return email;
    }
    return "";
  }

  const UnitHistory& HistoryOf(const std::string& unit_id) const {
    static const UnitHistory kNone;
    const auto history = input_.histories.find(unit_id);
    return history == input_.histories.end() ? kNone : history->second;
  }

  bool ToldToday(const UnitHistory& history, MessageKind kind) const {
    const auto on = [&history, this](MessageKind told) {
      const auto day = history.last_days.find(std::string(KindName(told)));
      return day != history.last_days.end() && day->second == input_.today;
    };
    // That it is below is the same news, whichever of the two said so.
    if (kind == MessageKind::kReminder || kind == MessageKind::kFellBack) {
      return on(MessageKind::kReminder) || on(MessageKind::kFellBack);
    }
    return on(kind);
  }

  // What there is to say to the unit itself.
  std::optional<MessageKind> NewsOf(const v1::Flag& flag, const UnitHistory& history) const {
    if (flag.flagged()) {
      if (input_.after_deadline) return MessageKind::kExplanation;
      return history.confirmed && !history.told_below ? MessageKind::kFellBack
                                                      : MessageKind::kReminder;
    }
    if (flag.outlook() == v1::Outlook::REACHED && history.told_below) {
      return MessageKind::kConfirmation;
    }
    return std::nullopt;
  }

  v1::Writing::Value HeldBy(const v1::Flag& flag, MessageKind kind, const UnitHistory& history,
                            std::string& note) const {
    if (!IsWritten(kind)) return v1::Writing::KIND_NOT_WRITTEN;
    if (const auto dispute = input_.holds.disputed.find(flag.unit_id());
        dispute != input_.holds.disputed.end()) {
      note = dispute->second;
      return v1::Writing::DISPUTED;
    }
    if (const auto silence = input_.holds.silenced.find(flag.unit_id());
        silence != input_.holds.silenced.end()) {
      note = silence->second;
      return v1::Writing::SILENCED;
    }
    if (kind == MessageKind::kExplanation && history.explanation_asked) {
      return v1::Writing::ALREADY_ASKED;
    }
    return ToldToday(history, kind) ? v1::Writing::ALREADY_TODAY : v1::Writing::UNSPECIFIED;
  }

  void PlanUnit(size_t place) {
    v1::Flag& flag = flags_[place];
    const UnitHistory& history = HistoryOf(flag.unit_id());
    flag.set_unanswered(history.unanswered);
    if (flag.target_percent().empty()) return;
    if (const v1::Writing::Value doubt = DoubtOf(input_, flag); doubt != v1::Writing::UNSPECIFIED) {
      flag.set_doubtful(true);
      flag.set_writing(doubt);
      doubtful_.push_back(place);
      return;
    }
    const std::optional<MessageKind> news = NewsOf(flag, history);
    if (!news.has_value()) return;
    std::string note;
    v1::Writing::Value why = HeldBy(flag, *news, history, note);
    std::string recipient;
    if (why == v1::Writing::UNSPECIFIED) recipient = RecipientOf(flag.unit_id(), why);
    if (recipient.empty()) {
      flag.set_writing(why);
      flag.set_writing_note(note);
      return;
    }
    flag.set_writing(v1::Writing::WRITTEN);
    flag.set_written_kind(std::string(KindName(*news)));
    plan_.push_back({.kind = *news,
                     .unit_id = flag.unit_id(),
                     .recipient = recipient,
                     .recipient_name = flag.name(),
                     .rows = {place}});
    const int after = input_.campaign.escalate_after();
    if (flag.flagged() && !input_.after_deadline && after > 0 && history.unanswered > 0 &&
        history.unanswered % after == 0) {
      unanswered_.push_back(place);
    }
  }

  void PlanEscalations() {
    if (!IsWritten(MessageKind::kEscalation)) return;
    std::map<std::string, std::vector<size_t>> by_parent;
    std::vector<size_t> to_office;
    for (const size_t place : unanswered_) {
      v1::Writing::Value why = v1::Writing::UNSPECIFIED;
      const std::string& parent = flags_[place].parent_id();
      const bool parent_can = !parent.empty() && !RecipientOf(parent, why).empty();
      (parent_can ? by_parent[parent] : to_office).push_back(place);
    }
    for (const auto& [parent, rows] : by_parent) {
      PlanParent(MessageKind::kEscalation, parent, rows);
    }
    PlanOffice(MessageKind::kEscalation, to_office);
  }

  void PlanParent(MessageKind kind, const std::string& unit_id, const std::vector<size_t>& rows) {
    if (input_.holds.silenced.count(unit_id) > 0) return;
    v1::Writing::Value why = v1::Writing::UNSPECIFIED;
    const std::string recipient = RecipientOf(unit_id, why);
    if (recipient.empty()) return;
    plan_.push_back({.kind = kind,
                     .unit_id = unit_id,
                     .recipient = recipient,
                     .recipient_name = input_.contacts.at(unit_id).name,
                     .rows = rows});
  }

  void PlanDigests() {
    if (!IsWritten(MessageKind::kDistrictDigest)) return;
    std::map<std::string, std::vector<size_t>> communes;
    std::set<std::string> wanted;
    for (size_t i = 0; i < flags_.size(); ++i) {
      const v1::Flag& flag = flags_[i];
      if (flag.level() != v1::Level::COMMUNE || flag.parent_id().empty()) continue;
      communes[flag.parent_id()].push_back(i);
      if (flag.flagged() && !flag.doubtful()) wanted.insert(flag.parent_id());
    }
    for (const std::string& district : wanted) {
      if (ToldToday(HistoryOf(district), MessageKind::kDistrictDigest)) continue;
      PlanParent(MessageKind::kDistrictDigest, district, communes[district]);
    }
  }

  void PlanOffice(MessageKind kind, const std::vector<size_t>& rows) {
    if (rows.empty() || !IsWritten(kind)) return;
    for (const std::string& email : input_.campaign.office_emails()) {
      if (!input_.guard.Allows(email)) continue;
      plan_.push_back({.kind = kind,
                       .unit_id = kOffice,
                       .recipient = email,
                       .recipient_name = "",
                       .rows = rows});
    }
  }

  const WritingInput& input_;
  std::vector<v1::Flag>& flags_;
  std::vector<size_t> doubtful_;
  std::vector<size_t> unanswered_;
  std::vector<PlannedWriting> plan_;
};

}  // namespace

v1::Writing::Value DoubtOf(const WritingInput& input, const v1::Flag& flag) {
  const EvaluationFigures& figures = input.figures;
  const bool covered = figures.last_days.count(flag.unit_id()) > 0;
  const v1::Basis::Value basis = flag.ratio().basis();
  if (!covered && basis == v1::Basis::NONE) return v1::Writing::DATA_NEVER_FED;
  const absl::CivilDay last = LastDay(figures, flag.unit_id());
  const absl::CivilDay judged_on = std::min(input.today, LastDayOf(input.campaign));
  if (judged_on - last > StaleAfterDays(input.campaign)) return v1::Writing::DATA_STALE;
  if (basis == v1::Basis::NONE || basis == v1::Basis::PARTIAL_DOSSIERS) {
    return v1::Writing::DATA_INCOMPLETE;
  }
  // The verdict at the end is for good: it takes the whole window.
  if (input.after_deadline && figures.to < LastDayOf(input.campaign)) {
    return v1::Writing::DATA_INCOMPLETE;
  }
  if (input.disagreeing.count(flag.unit_id()) > 0) return v1::Writing::DATA_DISAGREES;
  return v1::Writing::UNSPECIFIED;
}

std::vector<PlannedWriting> PlanWriting(const WritingInput& input, std::vector<v1::Flag>& flags) {
  return Planner(input, flags).Plan();
}

std::string WritingNote(const v1::Flag& flag) {
  switch (flag.writing()) {
    case v1::Writing::NO_CONTACT:
      return "Chưa có hộp thư";
    case v1::Writing::RECIPIENT_REFUSED:
      return "Hộp thư không được phép gửi";
    case v1::Writing::SILENCED:
      return absl::StrCat("Tạm dừng nhắc: ", flag.writing_note());
    case v1::Writing::DISPUTED:
      return "Đang kiến nghị về số liệu";
    case v1::Writing::DATA_NEVER_FED:
      return "Chưa đủ dữ liệu: chưa có số liệu";
    case v1::Writing::DATA_STALE:
      return "Chưa đủ dữ liệu: số liệu đã cũ";
    case v1::Writing::DATA_INCOMPLETE:
      return "Chưa đủ dữ liệu: thiếu số liệu một số ngày";
    case v1::Writing::DATA_DISAGREES:
      return "Chưa đủ dữ liệu: hồ sơ và báo cáo của đơn vị không khớp";
    case v1::Writing::BELOW_MIN_VOLUME:
      return "Ít hồ sơ, chưa nhắc";
    default:
      return "";
  }
}

}  // namespace dondoc::alerting
