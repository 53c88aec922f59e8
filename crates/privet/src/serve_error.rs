//! Why `privet serve` could not start or reload, and what to do about it.

use crate::buckets_endpoint::BucketsError;
use crate::command_error::CommandError;
use crate::configuration::LoadError;
use crate::report;
use crate::terminal;
use privet_control::SocketError;
use privet_distribution::config::{ConfigError, Places, Snapshot};
use privet_edge::{ListenFault, StartError};

/// Why the edge could not start or reload.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ServeError {
    Load(LoadError),
    Start(StartError),
    /// A listener that cannot be opened, with its position in the configuration.
    Listen {
        at: ConfigError,
        fault: ListenFault,
    },
    Socket(SocketError),
    /// A store that cannot be opened or followed.
    Store(Box<CommandError>),
    /// The certificate of the operators' listener.
    ControlCertificate(String),
    /// `[store]` is another one than at the start.
    StoreChanged,
    /// The folder of buckets, or its endpoint.
    Buckets(BucketsError),
    /// `[buckets]` is another one than at the start.
    BucketsChanged,
    Delivery(String),
    Signals(String),
}

impl ServeError {
    /// Returns the fault of a store.
    pub(crate) fn store(error: CommandError) -> Self {
        ServeError::Store(Box::new(error))
    }

    /// Returns why an edge did not start. `snapshot` is the configuration that was being started, `places` its
    /// positions in the file.
    pub(crate) fn starting(error: StartError, snapshot: &Snapshot, places: &Places) -> Self {
        let StartError::Listen { address, fault } = &error else {
            return ServeError::Start(error);
        };
        let mut listeners = snapshot.node.listeners.iter();
        let position = listeners.position(|listener| listener.address == *address);
        let path = format!("listeners[{}].address", position.unwrap_or_default());
        ServeError::Listen {
            at: places.error(&path, error.to_string()),
            fault: fault.clone(),
        }
    }

    /// Prints the error, and what to do about it.
    pub(crate) fn report(&self) {
        match self {
            ServeError::Load(error) => error.report(),
            ServeError::Start(error) => terminal::error(error),
            ServeError::Socket(error) => terminal::error(error),
            ServeError::Store(error) => {
                // The exit code is that of a start that failed.
                let _ = report::fail(error);
            }
            ServeError::ControlCertificate(reason) => {
                terminal::error(format_args!("control.certificate: {reason}"));
            }
            ServeError::StoreChanged => {
                terminal::error("[store] names another store than when the edge was started");
                terminal::hint("restart the edge");
            }
            ServeError::Buckets(error) => terminal::error(error),
            ServeError::BucketsChanged => {
                terminal::error("[buckets] differs from what it was when the edge was started");
                terminal::hint("restart the edge");
            }
            ServeError::Listen { at, fault } => {
                terminal::error(at);
                if let Some(hint) = listen_hint(fault) {
                    terminal::hint(hint);
                }
            }
            ServeError::Delivery(reason) => {
                terminal::error(format_args!("cannot deliver logs: {reason}"));
            }
            ServeError::Signals(reason) => {
                terminal::error(format_args!("cannot wait for signals: {reason}"));
            }
        }
    }
}

/// Returns what to do about a listener that cannot be opened.
fn listen_hint(fault: &ListenFault) -> Option<&'static str> {
    match fault {
        ListenFault::Taken => Some(
            "stop that program (perhaps a privet demo; ss -ltnp names it), or write another port in the address",
        ),
        ListenFault::Forbidden(1..1024) => Some(
            "ports below 1024 need a capability: AmbientCapabilities=CAP_NET_BIND_SERVICE in a systemd unit, or setcap \
             cap_net_bind_service=+ep on the program; or write a higher port",
        ),
        ListenFault::Elsewhere => {
            Some("write an address of this machine, or 0.0.0.0 or [::] for all of them")
        }
        ListenFault::Forbidden(_) | ListenFault::Other(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(fault: &ListenFault, expected: Option<&str>) {
        let hint = listen_hint(fault);
        assert_eq!(hint.is_some(), expected.is_some(), "{hint:?}");
        assert!(
            hint.unwrap_or_default()
                .contains(expected.unwrap_or_default())
        );
    }

    #[test]
    fn d3_a_listener_that_cannot_be_had_comes_with_what_to_do() {
        check(&ListenFault::Other("no".into()), None);
        check(&ListenFault::Forbidden(8080), None);
        check(&ListenFault::Forbidden(80), Some("CAP_NET_BIND_SERVICE"));
        check(&ListenFault::Forbidden(1023), Some("setcap"));
        check(&ListenFault::Taken, Some("another port"));
        check(&ListenFault::Elsewhere, Some("0.0.0.0"));
    }
}
