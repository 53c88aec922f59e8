//! The second proof, for which the edge may have to wait.
//!
//! The validity of a grant can depend on more than its contents: on how often its link was used, or on whether somebody
//! has revoked it. Only a store knows that. It is asked once, after the signature was found to be good and before
//! anything is read, and everything that yields bytes requires its result and nothing less.

use privet_distribution::request::{Authorized, Denial};

/// An authorized request whose grant was redeemed, if it is one that has to be.
///
/// No grant has to be redeemed yet, so the first proof is all of it.
pub(crate) type Redeemed<'s> = Authorized<'s>;

/// Redeems the grant of a request. The link that it belongs to is [`privet_sign::Grant::link_id`].
///
/// # Errors
/// The grant is used up or was revoked.
pub(crate) async fn redeem(authorized: Authorized<'_>) -> Result<Redeemed<'_>, Denial> {
    Ok(authorized)
}
