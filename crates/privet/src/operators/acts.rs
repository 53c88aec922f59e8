//! Creates, shows, changes and deletes operators.

use super::register::Register;
use super::shown::{Described, say_new_key, say_variables};
use super::{
    ChangeArguments, CreateArguments, DryRunArguments, Form, ListArguments, NameArguments,
    UpdateArguments,
};
use crate::command_error::CommandError;
use crate::report::{counted, say_all, say_json};
use crate::store_access::now;
use privet_control::{NewOperatorRequest, Operation, OperatorPatch};
use privet_store::{NewOperator, OperatorChange};
use serde_json::json;

pub(super) fn create(arguments: &CreateArguments) -> Result<(), CommandError> {
    let scope = Some(arguments.scope.clone()).filter(|scope| !scope.is_empty());
    let new = NewOperator {
        name: arguments.name.clone(),
        role: arguments.role.role(),
        scope,
    };
    let shown = arguments.equivalents.of(|| {
        Operation::CreateOperator(NewOperatorRequest {
            name: new.name.clone(),
            role: new.role,
            scope: new.scope.clone(),
        })
    });
    let key = Register::find(&arguments.form.api)?.create(new)?;
    match arguments.env {
        true => say_variables(&key)?,
        false => return say_new_key(&arguments.name, (&key, &shown), &arguments.form),
    }
    shown.tell();
    Ok(())
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
    changed(&arguments.change, change)
}

pub(super) fn enable(arguments: &ChangeArguments) -> Result<(), CommandError> {
    let change = OperatorChange {
        disabled: Some(false),
        ..OperatorChange::default()
    };
    changed(arguments, change)
}

pub(super) fn disable(arguments: &DryRunArguments) -> Result<(), CommandError> {
    if arguments.dry_run {
        let patch = patch_of(&disabling());
        return would_cut_off(&arguments.change, "disabled", |name| {
            Operation::UpdateOperator { name, patch }
        });
    }
    changed(&arguments.change, disabling())
}

fn disabling() -> OperatorChange {
    OperatorChange {
        disabled: Some(true),
        ..OperatorChange::default()
    }
}

pub(super) fn delete(arguments: &DryRunArguments) -> Result<(), CommandError> {
    if arguments.dry_run {
        return would_cut_off(&arguments.change, "deleted", Operation::DeleteOperator);
    }
    let ChangeArguments { one, equivalents } = &arguments.change;
    let NameArguments { name, form } = one;
    Register::find(&form.api)?.delete(name)?;
    let shown = equivalents.of(|| Operation::DeleteOperator(name.clone()));
    if form.json {
        return say_json(&shown.added_to(&json!({ "name": name, "deleted": true })));
    }
    say_all(&[format!("{name} deleted, with all access keys")])?;
    shown.tell();
    Ok(())
}

fn changed(arguments: &ChangeArguments, change: OperatorChange) -> Result<(), CommandError> {
    let NameArguments { name, form } = &arguments.one;
    let shown = arguments.equivalents.of(|| Operation::UpdateOperator {
        name: name.clone(),
        patch: patch_of(&change),
    });
    let described = Register::find(&form.api)?.change(name, change)?;
    if form.json {
        return say_json(&shown.added_to(&described.json()));
    }
    say(&described, form)?;
    shown.tell();
    Ok(())
}

fn patch_of(change: &OperatorChange) -> OperatorPatch {
    OperatorPatch {
        role: change.role,
        scope: change.scope.clone(),
        disabled: change.disabled,
    }
}

fn would_cut_off(
    arguments: &ChangeArguments,
    act: &str,
    operation: impl FnOnce(String) -> Operation,
) -> Result<(), CommandError> {
    let NameArguments { name, form } = &arguments.one;
    let shown = arguments.equivalents.of(|| operation(name.clone()));
    let described = described(form, name)?;
    let accepted: Vec<&str> = described.accepted_keys(now()).collect();
    if form.json {
        let told = json!({ "name": name, "dry_run": true, "cut_off": accepted });
        return say_json(&shown.added_to(&told));
    }
    let count = counted(accepted.len() as u64, "access key", "access keys");
    let mut lines = vec![format!(
        "{name} would be {act}, and {count} refused from then on"
    )];
    lines.extend(accepted.iter().map(|id| format!("  {id}")));
    say_all(&lines)?;
    shown.tell();
    Ok(())
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
