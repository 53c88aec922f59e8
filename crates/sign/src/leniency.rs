//! Switches for what CloudFront leaves unpublished.

use crate::policy::StatementForm;

/// Switches where CloudFront's behavior is unpublished; `Default` is the documented choice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leniency {
    /// Also match with a non-default port removed from `Host`.
    pub ignore_port: bool,
    /// Accept `"Statement":{…}`.
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
