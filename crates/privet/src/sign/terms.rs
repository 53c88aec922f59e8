//! Turns options into [`Terms`]: the clock, rounding, ready-made policies.

use privet_sign::{Terms, Timestamp};

use super::arguments::TermsArguments;
use crate::command_error::CommandError;
use crate::input;
use crate::moment;
use crate::text;

/// Returns the terms that the options request, at the time `now`.
///
/// # Errors
/// [`CommandError::NoEnd`]; [`CommandError::Read`] for the policy file.
pub(super) fn read(arguments: &TermsArguments, now: Timestamp) -> Result<Terms, CommandError> {
    let policy = arguments.policy.as_deref().map(read_policy).transpose()?;
    let until = match (arguments.until, arguments.duration) {
        (Some(until), _) => until.resolve(now),
        (None, Some(duration)) => moment::after(now, duration),
        // A policy has its own expiry; the field is ignored then.
        (None, None) if policy.is_some() => now,
        (None, None) => return Err(CommandError::NoEnd),
    };
    let step = arguments.round.map_or(1, |step| step.as_secs());
    let from = arguments.from.map(|from| from.resolve(now));
    Ok(Terms {
        from: from.map(|from| rounded_down(from, step)),
        ip: arguments.ip,
        resource: arguments.resource.clone(),
        policy,
        allow_broad: arguments.allow_broad,
        ..Terms::until(until.rounded_up(step))
    })
}

fn read_policy(name: &str) -> Result<String, CommandError> {
    let bytes = input::read(name)?;
    text::decode(&bytes).ok_or_else(|| CommandError::Read {
        source: name.to_owned(),
        reason: "the policy is not UTF-8 text".to_owned(),
    })
}

/// Rounds a not-before time down. Rounded up, it would make the link invalid for a while.
fn rounded_down(moment: Timestamp, step_secs: u64) -> Timestamp {
    let seconds = moment.as_secs();
    Timestamp::from_secs(seconds - seconds.checked_rem(step_secs).unwrap_or(0))
}
