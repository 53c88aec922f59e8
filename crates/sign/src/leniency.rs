//! Switches for behavior that CloudFront leaves unpublished.

use crate::policy::StatementForm;

/// Switches for behavior that CloudFront leaves unpublished; `Default` is the documented choice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leniency {
    /// Set to match also with a non-default port removed from `Host`.
    pub ignore_port: bool,
    /// Set to accept `"Statement":{…}`.
    pub statement_object: bool,
}

impl Leniency {
    pub(crate) fn statement_form(&self) -> StatementForm {
        if self.statement_object {
            StatementForm::ArrayOrObject
        } else {
            StatementForm::Array
        }
    }
}
