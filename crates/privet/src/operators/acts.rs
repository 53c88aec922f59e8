//! Creates, shows, changes and deletes operators.

use super::register::Register;
use super::shown::{Described, say_new_key, say_variables};
use super::{
    CreateArguments, DryRunArguments, Form, ListArguments, NameArguments, UpdateArguments,
};
use crate::command_error::CommandError;
use crate::report::{counted, say_all, say_json};
use crate::store_access::now;
use privet_store::{NewOperator, OperatorChange};
use serde_json::json;

pub(super) fn create(arguments: &CreateArguments) -> Result<(), CommandError> {
    let scope = Some(arguments.scope.clone()).filter(|scope| !scope.is_empty());
    let new = NewOperator {
        name: arguments.name.clone(),
        role: arguments.role.role(),
        scope,
    };
    let key = Register::find(&arguments.form.api)?.create(new)?;
    match arguments.env {
        true => say_variables(&key),
        false => say_new_key(&arguments.name, &key, &arguments.form),
    }
}

pub(super) fn list(arguments: &ListArguments) -> Result<(), CommandError> {
    let described = Register::find(&arguments.form.api)?.list()?;
    if arguments.form.json {
        let operators: Vec<_> = described.iter().map(Described::json).collect();
        return say_json(&json!({ "operators": operators }));
    }
    let lines: Vec<String> = described.iter().map(Described::line).collect();
    say_all(&lines)
}

pub(super) fn show(arguments: &NameArguments) -> Result<(), CommandError> {
    let described = described(&arguments.form, &arguments.name)?;
    say(&described, &arguments.form)
}

pub(super) fn update(arguments: &UpdateArguments) -> Result<(), CommandError> {
    let values = &arguments.values;
    let scope = match (values.no_scope, values.scope.is_empty()) {
        (true, _) => Some(None),
        (false, true) => None,
        (false, false) => Some(Some(values.scope.clone())),
    };
    let change = OperatorChange {
        role: values.role.map(super::RoleWord::role),
        scope,
        disabled: None,
    };
    changed(&arguments.one, change)
}

pub(super) fn enable(arguments: &NameArguments) -> Result<(), CommandError> {
    let change = OperatorChange {
        disabled: Some(false),
        ..OperatorChange::default()
    };
    changed(arguments, change)
}

pub(super) fn disable(arguments: &DryRunArguments) -> Result<(), CommandError> {
    if arguments.dry_run {
        return would_cut_off(&arguments.one, "disabled");
    }
    let change = OperatorChange {
        disabled: Some(true),
        ..OperatorChange::default()
    };
    changed(&arguments.one, change)
}

pub(super) fn delete(arguments: &DryRunArguments) -> Result<(), CommandError> {
    if arguments.dry_run {
        return would_cut_off(&arguments.one, "deleted");
    }
    let NameArguments { name, form } = &arguments.one;
    Register::find(&form.api)?.delete(name)?;
    match form.json {
        true => say_json(&json!({ "name": name, "deleted": true })),
        false => say_all(&[format!("{name} deleted, with all access keys")]),
    }
}

fn changed(arguments: &NameArguments, change: OperatorChange) -> Result<(), CommandError> {
    let NameArguments { name, form } = arguments;
    let described = Register::find(&form.api)?.change(name, change)?;
    say(&described, form)
}

fn would_cut_off(arguments: &NameArguments, act: &str) -> Result<(), CommandError> {
    let NameArguments { name, form } = arguments;
    let described = described(form, name)?;
    let accepted: Vec<&str> = described.accepted_keys(now()).collect();
    if form.json {
        return say_json(&json!({ "name": name, "dry_run": true, "cut_off": accepted }));
    }
    let count = counted(accepted.len() as u64, "access key", "access keys");
    let mut lines = vec![format!(
        "{name} would be {act}, and {count} refused from then on"
    )];
    lines.extend(accepted.iter().map(|id| format!("  {id}")));
    say_all(&lines)
}

fn described(form: &Form, name: &str) -> Result<Described, CommandError> {
    Register::find(&form.api)?.described(name)
}

fn say(described: &Described, form: &Form) -> Result<(), CommandError> {
    match form.json {
        true => say_json(&described.json()),
        false => say_all(&described.lines(now())),
    }
}
