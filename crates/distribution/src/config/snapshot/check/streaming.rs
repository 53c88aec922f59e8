//! Faults of streaming distributions.

use super::Checker;
use crate::config::document::{
    ListenerProtocol, StreamingDistributionDocument, StreamingSourceDocument,
};
use std::collections::HashMap;

impl Checker<'_> {
    pub(super) fn streaming(&mut self) {
        let document = self.document;
        let mut owners = HashMap::new();
        for (position, streaming) in document.streaming_distributions.iter().enumerate() {
            let path = format!("streaming_distributions[{position}]");
            let (domain_name, aliases) = (&streaming.domain_name, &streaming.aliases);
            self.hosts_of(&mut owners, &path, domain_name, aliases);
            if let Some(others) = self.others {
                for name in std::iter::once(domain_name).chain(aliases) {
                    let owner = others.streaming_hosts.owner(name);
                    let owner =
                        owner.and_then(|position| others.streaming_distributions.get(position));
                    self.no_other_owner(owner.map(|owner| &owner.id), name, &path);
                }
            }
            self.streaming_id(position, &streaming.id, &path);
            self.streaming_distribution(streaming, &path);
        }
    }

    /// Checks that RTMP listeners and streaming distributions exist together, since neither makes sense without the
    /// other.
    pub(super) fn streaming_listeners(&mut self) {
        let is_rtmp = |protocol: &ListenerProtocol| match protocol {
            ListenerProtocol::Http | ListenerProtocol::Https => false,
            ListenerProtocol::Rtmp | ListenerProtocol::Rtmps => true,
        };
        let document = self.document;
        let mut listeners = self.listeners.iter();
        let listener = listeners.position(|listener| is_rtmp(&listener.protocol));
        if let Some(position) = listener
            && document.streaming_distributions.is_empty()
        {
            let message = "is for streaming distributions, and there is none; add a [[streaming_distributions]] table";
            self.fault(&format!("listeners[{position}].protocol"), message);
        }
        let mut enabled = document.streaming_distributions.iter();
        if listener.is_none()
            && let Some(position) = enabled.position(|streaming| streaming.enabled)
        {
            let message = "is enabled, and nobody can reach it; add a listener with protocol = \"rtmp\" or \"rtmps\"";
            self.fault(
                &format!("streaming_distributions[{position}].enabled"),
                message,
            );
        }
    }

    /// Checks that the id is unique among distributions of both kinds, since log files and the cache use it for either.
    fn streaming_id(&mut self, position: usize, id: &str, path: &str) {
        self.distribution_id(id, path);
        let document = self.document;
        let distributions = document.distributions.iter().map(|other| &other.id);
        let before = document.streaming_distributions[..position].iter();
        let mut others = distributions.chain(before.map(|other| &other.id));
        let is_distribution = self.others.is_some_and(|others| {
            let position = others.distribution_ids.get(id);
            position.is_some()
        });
        if !id.is_empty() && (is_distribution || others.any(|other| other == id)) {
            let message = format!("{id:?} is used twice; rename or remove one");
            self.fault(&format!("{path}.id"), message);
        }
    }

    fn streaming_distribution(&mut self, streaming: &StreamingDistributionDocument, path: &str) {
        if streaming.enabled && streaming.certificate.is_none() {
            self.no_certificate(&ListenerProtocol::Rtmps, "an rtmps", path);
        }
        self.certificate(streaming.certificate.as_ref(), path);
        self.logging(streaming.logging.as_ref(), path);
        match &streaming.source {
            StreamingSourceDocument::Distribution(id) => {
                let distributions = self.document.distributions.iter();
                let ids: Vec<&str> = distributions.map(|other| other.id.as_str()).collect();
                let is_there = self
                    .others
                    .is_some_and(|others| others.distribution_ids.get(id).is_some());
                if !is_there {
                    self.reference(&format!("{path}.distribution"), "distribution", id, &ids);
                }
            }
            StreamingSourceDocument::Origin(origin) => {
                self.origin(origin, streaming.enabled, &format!("{path}.origin"));
            }
        }
        let groups = streaming.trusted_key_groups.as_deref();
        self.signers(groups, streaming.trusted_signers.as_deref(), path);
    }
}
