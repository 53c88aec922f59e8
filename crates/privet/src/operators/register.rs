//! The operators of a store, in two ways: the store is opened here, or a running edge is asked over the operators'
//! interface.

use super::shown::Described;
use crate::api::{Api, ApiArguments, ApiRequest, encoded};
use crate::command_error::CommandError;
use crate::store_access::{local_actor, now, open_store, runtime, shown, store_settings};
use http::Method;
use privet_store::{
    AccessKeyChange, AccessKeySummary, NewAccessKey, NewOperator, Operator, OperatorChange, Role,
    Secret, Store, StoreError, Timestamp,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use tokio::runtime::Runtime;

const OPERATORS: &str = "/v1/operators";

/// The operators and their access keys.
#[derive(Debug)]
pub(super) enum Register {
    /// The store of a configuration: whoever may open it is an admin.
    Store { runtime: Runtime, store: Store },
    /// The interface of a running edge.
    Remote(Api),
}

impl Register {
    /// Returns the operators of the interface that the options or the environment name, otherwise those of the store of
    /// the configuration.
    ///
    /// # Errors
    /// [`CommandError::Api`], [`CommandError::Configuration`], [`CommandError::Store`].
    pub(super) fn find(arguments: &ApiArguments) -> Result<Self, CommandError> {
        if let Some(api) = arguments.named()? {
            return Ok(Register::Remote(api));
        }
        let settings = store_settings(&arguments.config())?;
        let runtime = runtime()?;
        let store = runtime.block_on(open_store(&settings))?;
        Ok(Register::Store { runtime, store })
    }

    /// Creates an operator with a first access key.
    pub(super) fn create(&self, new: NewOperator) -> Result<NewAccessKey, CommandError> {
        match self {
            Register::Store { runtime, store } => {
                Ok(runtime.block_on(store.create_operator(new, &local_actor(), now()))?)
            }
            Register::Remote(api) => {
                let NewOperator { name, role, scope } = new;
                let body = json!({ "name": name, "role": role.as_str(), "scope": scope });
                let mut made = sent(api, Method::POST, OPERATORS.to_owned(), Some(&body))?;
                let key = made.get_mut("access_key").map(Value::take);
                read::<NewKeyForm>(api, key.unwrap_or_default()).map(NewKeyForm::key)
            }
        }
    }

    /// Returns all operators by name, each with the access keys.
    pub(super) fn list(&self) -> Result<Vec<Described>, CommandError> {
        let operators = match self {
            Register::Store { runtime, store } => runtime.block_on(store.operators())?,
            Register::Remote(api) => {
                let forms: ListForm<OperatorForm> = got(api, OPERATORS.to_owned())?;
                let operators = forms.items.into_iter().map(|form| form.operator(api));
                operators.collect::<Result<_, _>>()?
            }
        };
        let described = operators.into_iter().map(|operator| {
            let keys = self.keys(&operator.name)?;
            Ok(Described { operator, keys })
        });
        described.collect()
    }

    /// Returns an operator with the access keys.
    pub(super) fn described(&self, name: &str) -> Result<Described, CommandError> {
        let operator = match self {
            Register::Store { runtime, store } => {
                let operator = runtime.block_on(store.operator(name))?;
                operator.ok_or_else(|| StoreError::NoSuchOperator(name.to_owned()))?
            }
            Register::Remote(api) => got::<OperatorForm>(api, of_operator(name))?.operator(api)?,
        };
        let keys = self.keys(name)?;
        Ok(Described { operator, keys })
    }

    /// Returns the access keys of an operator.
    pub(super) fn keys(&self, name: &str) -> Result<Vec<AccessKeySummary>, CommandError> {
        match self {
            Register::Store { runtime, store } => Ok(runtime.block_on(store.access_keys(name))?),
            Register::Remote(api) => {
                let forms: ListForm<KeyForm> = got(api, of_keys(name))?;
                Ok(forms.items.into_iter().map(|form| form.key(name)).collect())
            }
        }
    }

    /// Changes an operator, and returns it as it is then.
    pub(super) fn change(
        &self,
        name: &str,
        change: OperatorChange,
    ) -> Result<Described, CommandError> {
        match self {
            Register::Store { runtime, store } => {
                runtime.block_on(store.change_operator(name, change, &local_actor(), now()))?;
            }
            Register::Remote(api) => {
                let body = patch_of(change);
                sent(api, Method::PATCH, of_operator(name), Some(&body))?;
            }
        }
        self.described(name)
    }

    /// Deletes an operator with all access keys.
    pub(super) fn delete(&self, name: &str) -> Result<(), CommandError> {
        match self {
            Register::Store { runtime, store } => {
                Ok(runtime.block_on(store.delete_operator(name, &local_actor(), now()))?)
            }
            Register::Remote(api) => sent(api, Method::DELETE, of_operator(name), None).map(drop),
        }
    }

    /// Adds an access key to an operator.
    pub(super) fn add_key(&self, name: &str) -> Result<NewAccessKey, CommandError> {
        match self {
            Register::Store { runtime, store } => {
                Ok(runtime.block_on(store.add_access_key(name, &local_actor(), now()))?)
            }
            Register::Remote(api) => {
                let made = sent(api, Method::POST, of_keys(name), None)?;
                read::<NewKeyForm>(api, made).map(NewKeyForm::key)
            }
        }
    }

    /// Changes an access key, and returns it as it is then. `owner` is its operator; it is looked for if that is not
    /// known.
    pub(super) fn change_key(
        &self,
        owner: Option<&str>,
        id: &str,
        change: AccessKeyChange,
    ) -> Result<AccessKeySummary, CommandError> {
        match self {
            Register::Store { runtime, store } => {
                Ok(runtime.block_on(store.change_access_key(id, change, &local_actor(), now()))?)
            }
            Register::Remote(api) => {
                let owner = self.owner(owner, id)?;
                let body = key_patch_of(&change);
                let changed = sent(api, Method::PATCH, of_key(&owner, id), Some(&body))?;
                read::<KeyForm>(api, changed).map(|form| form.key(&owner))
            }
        }
    }

    /// Deletes an access key.
    pub(super) fn delete_key(&self, id: &str) -> Result<(), CommandError> {
        match self {
            Register::Store { runtime, store } => {
                Ok(runtime.block_on(store.delete_access_key(id, &local_actor(), now()))?)
            }
            Register::Remote(api) => {
                let owner = self.owner(None, id)?;
                sent(api, Method::DELETE, of_key(&owner, id), None).map(drop)
            }
        }
    }

    /// Returns the name of the operator who has an access key.
    pub(super) fn owner(&self, known: Option<&str>, id: &str) -> Result<String, CommandError> {
        if let Some(name) = known {
            return Ok(name.to_owned());
        }
        let holds = |described: &Described| described.keys.iter().any(|key| key.id == id);
        let holder = self.list()?.into_iter().find(holds);
        let holder = holder.ok_or_else(|| StoreError::NoSuchAccessKey(id.to_owned()))?;
        Ok(holder.operator.name)
    }
}

fn of_operator(name: &str) -> String {
    format!("{OPERATORS}/{}", encoded(name))
}

fn of_keys(name: &str) -> String {
    format!("{}/access-keys", of_operator(name))
}

fn of_key(name: &str, id: &str) -> String {
    format!("{}/{}", of_keys(name), encoded(id))
}

fn sent(
    api: &Api,
    method: Method,
    target: String,
    body: Option<&Value>,
) -> Result<Value, CommandError> {
    let request = ApiRequest {
        method,
        target,
        if_match: None,
        body,
    };
    Ok(api.ask(&request)?.body)
}

fn got<T: DeserializeOwned>(api: &Api, target: String) -> Result<T, CommandError> {
    read(api, api.get(target)?.body)
}

/// Reads an answer. Members that it does not know are those of a newer version.
fn read<T: DeserializeOwned>(api: &Api, value: Value) -> Result<T, CommandError> {
    serde_json::from_value(value).map_err(|_| api.garbled().into())
}

fn patch_of(change: OperatorChange) -> Value {
    let OperatorChange {
        role,
        scope,
        disabled,
    } = change;
    let members = [
        ("role", role.map(|role| json!(role.as_str()))),
        ("scope", scope.map(|scope| json!(scope))),
        ("disabled", disabled.map(Value::Bool)),
    ];
    given(members)
}

fn key_patch_of(change: &AccessKeyChange) -> Value {
    let AccessKeyChange {
        disabled,
        expires_at,
    } = *change;
    let members = [
        ("disabled", disabled.map(Value::Bool)),
        ("expires_at", expires_at.map(|end| json!(end.map(shown)))),
    ];
    given(members)
}

/// Returns the object of the members that have a value.
fn given<const N: usize>(members: [(&str, Option<Value>); N]) -> Value {
    let given = members
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(given.collect::<Map<_, _>>())
}

#[derive(Deserialize)]
struct ListForm<T> {
    items: Vec<T>,
}

#[derive(Deserialize)]
struct OperatorForm {
    name: String,
    role: String,
    scope: Option<Vec<String>>,
    disabled: bool,
    created_at: jiff::Timestamp,
}

impl OperatorForm {
    fn operator(self, api: &Api) -> Result<Operator, CommandError> {
        Ok(Operator {
            role: Role::parse(&self.role).ok_or_else(|| api.garbled())?,
            name: self.name,
            scope: self.scope,
            disabled: self.disabled,
            created_at: time(self.created_at),
        })
    }
}

#[derive(Deserialize)]
struct KeyForm {
    id: String,
    created_at: jiff::Timestamp,
    expires_at: Option<jiff::Timestamp>,
    disabled: bool,
    last_used_at: Option<jiff::Timestamp>,
}

impl KeyForm {
    fn key(self, operator: &str) -> AccessKeySummary {
        AccessKeySummary {
            id: self.id,
            operator: operator.to_owned(),
            created_at: time(self.created_at),
            expires_at: self.expires_at.map(time),
            disabled: self.disabled,
            last_used_at: self.last_used_at.map(time),
        }
    }
}

/// A new access key. Its secret is shown by no `Debug`.
#[derive(Deserialize)]
struct NewKeyForm {
    access_key_id: String,
    secret_access_key: String,
}

impl NewKeyForm {
    fn key(self) -> NewAccessKey {
        NewAccessKey {
            access_key_id: self.access_key_id,
            secret_access_key: Secret::new(self.secret_access_key),
        }
    }
}

fn time(at: jiff::Timestamp) -> Timestamp {
    Timestamp::from_seconds(at.as_second())
}
