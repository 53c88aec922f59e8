//! Operators: their roles, the distributions that they are confined to, and the proof that a request is theirs.
//!
//! An operation takes an [`Operator`] of the role that it needs. Only `authentication` makes what one is made from.

use privet_store::{Actor, Role};
use std::collections::BTreeSet;
use std::marker::PhantomData;
use std::net::IpAddr;
use std::sync::Arc;

/// The distributions that an operator may see and change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All of them, and everything that they share.
    All,
    /// Those of these ids. What they share may be seen and not changed.
    Distributions(BTreeSet<String>),
}

impl Scope {
    /// Returns true if a distribution is in the scope.
    pub fn has(&self, distribution_id: &str) -> bool {
        match self {
            Scope::All => true,
            Scope::Distributions(ids) => ids.contains(distribution_id),
        }
    }
}

/// The way on which a request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// The Unix socket.
    Socket,
    /// The listener of the operators' interface.
    Listener,
    /// A command that has the store open.
    CommandLine,
}

impl Entry {
    /// Returns the name of the way, as audited.
    pub fn as_str(self) -> &'static str {
        match self {
            Entry::Socket => "socket",
            Entry::Listener => "api",
            Entry::CommandLine => "cli",
        }
    }
}

/// The sender of a request, as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Name of the operator; `local` for the machine's own.
    pub name: String,
    /// Role of the operator.
    pub role: Role,
    /// Scope of the operator.
    pub scope: Scope,
    /// Way on which the request came.
    pub entry: Entry,
    /// Address of the client; `None` on the socket and the command line.
    pub address: Option<IpAddr>,
    /// Id of the request.
    pub request_id: Option<String>,
}

impl Caller {
    /// Returns the caller as the audit trail names it.
    pub fn actor(&self) -> Actor {
        Actor {
            operator: self.name.clone(),
            how: self.entry.as_str().to_owned(),
            address: self.address.map(|address| address.to_string()),
            request_id: self.request_id.clone(),
        }
    }
}

/// A role as a type.
pub trait Rank: sealed::Sealed + Send + Sync + 'static {
    /// The role.
    const ROLE: Role;
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! rank {
    ($name:ident, $text:literal) => {
        #[doc = $text]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {}

        impl sealed::Sealed for $name {}

        impl Rank for $name {
            const ROLE: Role = Role::$name;
        }
    };
}

rank!(Read, "The role [`Role::Read`].");
rank!(Publish, "The role [`Role::Publish`].");
rank!(Admin, "The role [`Role::Admin`].");

/// The proof that a request comes from an operator who has at least the role `R`.
#[derive(Clone, Debug)]
pub struct Operator<R> {
    caller: Arc<Caller>,
    role: PhantomData<R>,
}

/// The refusal of an operator whose role is too low.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoleTooLow {
    /// Role that is needed.
    pub needed: Role,
}

impl<R: Rank> Operator<R> {
    /// Admits an operator whose role is high enough.
    ///
    /// # Errors
    /// [`RoleTooLow`].
    pub fn admit(authenticated: &Authenticated) -> Result<Self, RoleTooLow> {
        let caller = &authenticated.0;
        if caller.role < R::ROLE {
            return Err(RoleTooLow { needed: R::ROLE });
        }
        Ok(Operator {
            caller: Arc::clone(caller),
            role: PhantomData,
        })
    }

    /// Returns the same operator with the role that all have.
    pub fn reader(&self) -> Operator<Read> {
        Operator {
            caller: Arc::clone(&self.caller),
            role: PhantomData,
        }
    }
}

impl<R> Operator<R> {
    /// Returns the same operator with another role, if the operator has at least that.
    ///
    /// # Errors
    /// [`RoleTooLow`].
    pub fn raised<Other: Rank>(&self) -> Result<Operator<Other>, RoleTooLow> {
        match self.caller.role < Other::ROLE {
            true => Err(RoleTooLow {
                needed: Other::ROLE,
            }),
            false => Ok(Operator {
                caller: Arc::clone(&self.caller),
                role: PhantomData,
            }),
        }
    }

    /// Returns who it is.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }
}

/// The proof that a request comes from an operator, whatever the role.
#[derive(Clone, Debug)]
pub struct Authenticated(Arc<Caller>);

impl Authenticated {
    /// Only `authentication` calls this, after it has checked a credential.
    pub(super) fn checked(caller: Caller) -> Self {
        Authenticated(Arc::new(caller))
    }

    /// Returns who it is.
    pub fn caller(&self) -> &Caller {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check<R: Rank>(role: Role, expected: Option<RoleTooLow>) {
        let authenticated = Authenticated::checked(Caller {
            name: "o".into(),
            role,
            scope: Scope::All,
            entry: Entry::Listener,
            address: None,
            request_id: None,
        });
        assert_eq!(Operator::<R>::admit(&authenticated).err(), expected);
        let reader = Operator::<Read>::admit(&authenticated).unwrap();
        assert_eq!(reader.raised::<R>().err(), expected);
    }

    #[test]
    fn a_role_includes_those_before_it() {
        let low = |needed| Some(RoleTooLow { needed });
        check::<Publish>(Role::Read, low(Role::Publish));
        check::<Admin>(Role::Read, low(Role::Admin));
        check::<Admin>(Role::Publish, low(Role::Admin));
        check::<Read>(Role::Read, None);
        check::<Publish>(Role::Publish, None);
        check::<Publish>(Role::Admin, None);
        check::<Admin>(Role::Admin, None);
    }
}
