//! The table of handlers by operation.

use crate::cloudfront::handled::Handled;
use crate::cloudfront::resource::Resource;
use crate::cloudfront::{
    aliases, cache_policies, distributions, invalidations, key_groups, life_cycle, monitoring,
    origin_access_controls, origin_access_identities, origin_request_policies, public_keys,
    resource, response_headers_policies, streaming_distributions, tags, users, web_acls,
};
use privet_distribution::config::ServiceKind;
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

/// The resources that have the same six operations.
const RESOURCES: [&Resource; 7] = [
    &public_keys::RESOURCE,
    &key_groups::RESOURCE,
    &cache_policies::RESOURCE,
    &origin_request_policies::RESOURCE,
    &response_headers_policies::RESOURCE,
    &origin_access_identities::RESOURCE,
    &origin_access_controls::RESOURCE,
];

/// Returns the resource of a kind, if it is one that has the same six operations as others.
pub(super) fn resource_of(kind: ServiceKind) -> Option<&'static Resource> {
    RESOURCES.into_iter().find(|resource| resource.kind == kind)
}

fn all() -> Vec<Handled> {
    let mut handlers = Vec::new();
    for resource in RESOURCES {
        handlers.extend(resource::handlers(resource));
    }
    for kind in [&distributions::KIND, &streaming_distributions::KIND] {
        handlers.extend(life_cycle::handlers(kind));
    }
    handlers.extend(invalidations::handlers());
    handlers.extend(tags::handlers());
    handlers.extend(aliases::handlers());
    handlers.extend(monitoring::handlers());
    handlers.extend(users::handlers());
    handlers.extend(web_acls::handlers());
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
    fn the_errors_of_resources_are_those_of_their_operations() {
        for resource in RESOURCES {
            let Resource { name, codes, .. } = resource;
            for (operation, code) in [
                ("Create", codes.exists),
                ("Create", codes.too_many),
                ("Get", codes.absent),
                ("Delete", codes.absent),
                ("Delete", codes.in_use),
                ("Update", codes.absent),
            ] {
                let operation = Model::get()
                    .operation(&format!("{operation}{name}"))
                    .unwrap();
                let errors = &operation.form.as_ref().unwrap().errors;
                assert!(errors.contains(&code), "{} {code}", operation.name);
            }
        }
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
