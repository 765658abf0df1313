//! What is said of things in JSON: the same members on the command line and over HTTP.
//!
//! A view is made from what is kept, and read again by whoever asked a server for it. Members are
//! only ever added.

mod account;
mod act;
mod api;
pub(in crate::app) mod catalog;
mod channel;
mod conform;
mod difference;
mod discovery;
mod exposure;
mod finding;
mod import;
mod issued;
mod kept_report;
mod key;
mod key_change;
mod key_query;
mod notice;
mod owner;
mod policy;
mod portal;
pub mod presence;
mod principal;
mod provider;
mod rotation;
mod scan;
mod sync;
mod task;
mod timeline;
mod token;
mod usage;
mod user;
pub mod write_only;

pub use account::{AbilityView, AccessView, AccountList, AccountView, CheckView, LastSyncView};
pub use act::{ActList, ActView, VerifiedView};
pub use api::{ApiList, ApiView, AppList, AppView, CustomerList, CustomerView};
pub use catalog::{
    CatalogAccountView, CatalogApiView, CatalogCheckRequest, CatalogCheckView, CatalogDetailView,
    CatalogDiscoveryRequest, CatalogEntryView, CatalogImportRequest, CatalogImportView,
    CatalogIndexList, CatalogIndexView, CatalogList, CatalogLookView, CatalogSummaryView, HowView,
    LeadView, MatchedView, RemarkView,
};
pub use channel::{ChannelList, ChannelView};
pub use conform::{
    ConformCheckView, ConformKindView, ConformView, MissingBlockView, level as conform_level,
};
pub use difference::{ChangeView, DifferenceList, DifferenceView};
pub use discovery::{DescriptorFoundView, DiscoveryView, OnboardingFoundView};
pub use exposure::{ExposureList, ExposureView, PlaceOfExposureView};
pub use finding::{FindingList, FindingView};
pub use import::{ImportFaultView, ImportRequest, ImportView, KeyImportRequest, KeyImportView};
pub use issued::{
    ImportedView, IssuedView, NewKeyView, PepperView, RecogniserView, RecognisersView,
    RevocationView, RotationStage, RotationView,
};
pub use kept_report::{KeptReportView, KeptReports};
pub use key::{ExceptedView, FileView, KeyFindingView, KeyList, KeyView, LastUseView};
pub use key_change::{KeepRequest, KeyChange, NewKeyRequest, PlanRequest, PlanView};
pub use key_query::{KeyQuery, KeySort, UseStatus};
pub use notice::{
    ApiNoticesView, CustomerNoticesView, DeliveredView, NoticeList, NoticeSettingsView, NoticeView,
    PreviewItemView, PreviewNoticeView, PreviewView,
};
pub use owner::{Assigned, ClaimView, OwnerList, OwnerView, SuggestionList, SuggestionView};
pub use policy::{EndedView, PolicyCheckView, PolicyView, RuleCountView, RuleView};
pub use portal::{PortalChange, PortalLinkRequest, PortalLinkView, PortalView};
pub use principal::{PrincipalList, PrincipalView};
pub use provider::{
    KeyTypeView, MethodView, OperationView, ProviderList, ProviderView, SourceView, VariableView,
};
pub use rotation::{
    DeliveryView, DestinationList, DestinationView, HappenedView, HeldRotationList,
    HeldRotationView, NewDestinationRequest, NewRotationRequest, NewSecretView, OutlineView,
    ProgressView, SayRequest, SayWord, StepView, TrialView, WouldView,
};
pub use scan::{
    AnswerView, FoundKeyView, KeyInFile, KeyMatchRequest, KeyMatchView, KeyPlaceView,
    KeyPlacesRequest, KeyPlacesView, KnownKeyView, LookedView, ScanSummary, ScanView,
};
pub use sync::{SyncList, SyncView, SyncedView};
pub use task::{TaskList, TaskView};
pub use timeline::{EventView, Timeline};
pub use token::{NewTokenView, TokenList, TokenView};
pub use usage::{DayView, PlaceView, UsageView};
pub use user::{NewLinkView, UserList, UserView};
