//! The table of handlers by operation.

use crate::cloudfront::handled::Handled;
use crate::cloudfront::{
    aliases, cache_policies, distributions, distributions_by, invalidations, key_groups,
    life_cycle, monitoring, origin_access_controls, origin_access_identities,
    origin_request_policies, public_keys, resource, response_headers_policies,
    streaming_distributions, tags,
};
use std::collections::HashMap;
use std::sync::LazyLock;

static HANDLERS: LazyLock<HashMap<String, Handled>> = LazyLock::new(|| {
    let handlers = all().into_iter();
    let named = handlers.map(|handled| (handled.operation.clone(), handled));
    named.collect()
});

/// Returns the handler of an operation, if it is served.
pub(super) fn find(operation: &str) -> Option<&'static Handled> {
    HANDLERS.get(operation)
}

fn all() -> Vec<Handled> {
    let mut handlers = Vec::new();
    for resource in [
        &public_keys::RESOURCE,
        &key_groups::RESOURCE,
        &cache_policies::RESOURCE,
        &origin_request_policies::RESOURCE,
        &response_headers_policies::RESOURCE,
        &origin_access_identities::RESOURCE,
        &origin_access_controls::RESOURCE,
    ] {
        handlers.extend(resource::handlers(resource));
    }
    for kind in [&distributions::KIND, &streaming_distributions::KIND] {
        handlers.extend(life_cycle::handlers(kind));
    }
    handlers.extend(distributions_by::handlers());
    handlers.extend(invalidations::handlers());
    handlers.extend(tags::handlers());
    handlers.extend(aliases::handlers());
    handlers.extend(monitoring::handlers());
    handlers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloudfront::model::Model;

    /// Operations of the table that are refused by their names: code at the edge and logs in real time.
    const REFUSED: [&str; 14] = [
        "CreateFunction",
        "CreateRealtimeLogConfig",
        "DeleteFunction",
        "DeleteRealtimeLogConfig",
        "DescribeFunction",
        "GetFunction",
        "GetRealtimeLogConfig",
        "ListDistributionsByRealtimeLogConfig",
        "ListFunctions",
        "ListRealtimeLogConfigs",
        "PublishFunction",
        "TestFunction",
        "UpdateFunction",
        "UpdateRealtimeLogConfig",
    ];

    #[test]
    fn every_handler_is_that_of_an_operation_once() {
        let mut names: Vec<String> = all().into_iter().map(|one| one.operation).collect();
        for name in &names {
            let operation = Model::get().operation(name);
            assert!(operation.is_some_and(|one| one.form.is_some()), "{name}");
            assert!(!REFUSED.contains(&name.as_str()), "{name}");
        }
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn every_operation_is_served_or_refused_by_its_name() {
        let operations = Model::get().operations().iter();
        let operations = operations.filter(|operation| operation.form.is_some());
        for name in operations.map(|operation| operation.name) {
            assert_ne!(find(name).is_some(), REFUSED.contains(&name), "{name}");
        }
    }
}
