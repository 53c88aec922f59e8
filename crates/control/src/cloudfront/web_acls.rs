//! The distributions that use a web ACL, of which there are none.

use crate::cloudfront::api_error::ApiError;
use crate::cloudfront::call::{Call, Reply};
use crate::cloudfront::distributions;
use crate::cloudfront::handled::Handled;
use crate::cloudfront::life_cycle::{marked, summaries};
use crate::cloudfront::resource::gather;
use crate::operator::Read;
use privet_distribution::config::ServiceKind;

/// Id that stands for no web ACL.
const NO_WEB_ACL: &str = "null";

pub(super) fn handlers() -> [Handled; 1] {
    let kind = ServiceKind::Distribution.as_str();
    [Handled::new("ListDistributionsByWebACLId", kind, list)]
}

/// Lists all distributions for `null`, since none has a web ACL, and none for any other id.
async fn list(call: Call<Read>) -> Result<Reply, ApiError> {
    let page = call.page()?;
    let (items, next) = match call.parameter("WebACLId") {
        NO_WEB_ACL => {
            let from = (ServiceKind::Distribution, page.marker.clone());
            let listed = gather(&call.operations, &call.operator, from, page.max_items).await?;
            let last = listed.items.last().filter(|_| listed.is_truncated);
            let next = last.map(|item| item.id.clone());
            let items = summaries(&call, &distributions::KIND, &listed.items).await?;
            (items, next)
        }
        _ => (Vec::new(), None),
    };
    Ok(Reply::of(marked(&page, items, next)))
}
