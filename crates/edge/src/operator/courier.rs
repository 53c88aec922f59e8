//! Brings log files into buckets, over connections of its own.

use crate::log::{DeliveryFault, UndeliveredLog};
use crate::origin_client::{Deposit, OriginClient, OriginClientShared};
use privet_distribution::config::Origin;
use std::rc::Rc;
use std::sync::Arc;

/// Brings log files into buckets behind S3 endpoints. For one thread.
#[derive(Debug)]
pub struct LogCourier {
    client: Rc<OriginClient>,
}

impl LogCourier {
    pub(crate) fn new(shared: Arc<OriginClientShared>) -> Self {
        LogCourier {
            client: OriginClient::new(shared),
        }
    }

    /// Puts the object that a log file has become into its bucket; it is there when this returns. Must be awaited
    /// within a `LocalSet`.
    ///
    /// # Errors
    /// The bucket cannot be reached, or refuses the object.
    pub async fn put(
        &self,
        bucket: &Origin,
        log: &UndeliveredLog,
        object: Vec<u8>,
    ) -> Result<(), DeliveryFault> {
        let deposit = Deposit {
            key: log.key(),
            content_type: log.content_type(),
            bytes: object,
        };
        let putting = self.client.deposit(bucket, deposit).await;
        putting.map_err(|fault| DeliveryFault {
            kind: fault.kind(),
            text: fault.to_string(),
        })
    }
}
