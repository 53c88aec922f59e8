#!/usr/bin/env python3
"""Terraform applies, changes, imports and destroys the resources of `terraform/main.tf`.

A plan that is not empty right after an apply or an import fails the story: the answers differ from what was sent.
Arguments: the program, and the folder of providers that it may install from.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile

from story import open_url, settings, step

# Exit status of a plan that has something to do.
SOMETHING_TO_DO = 2
HERE = os.path.dirname(os.path.abspath(__file__))


class Terraform:
    """The program in a folder of its own, which may ask no registry for providers."""

    def __init__(self, program, providers, folder, given):
        self.program = program
        self.folder = folder
        mirror = f'provider_installation {{\n  filesystem_mirror {{\n    path = "{providers}"\n  }}\n}}\n'
        rc = os.path.join(folder, "terraformrc")
        with open(rc, "w", encoding="utf-8") as file:
            file.write(mirror)
        shutil.copy(os.path.join(HERE, "terraform/main.tf"), folder)
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": folder,
            "TF_CLI_CONFIG_FILE": rc,
            "TF_IN_AUTOMATION": "1",
            "TF_INPUT": "0",
            "CHECKPOINT_DISABLE": "1",
            "AWS_ACCESS_KEY_ID": given["access_key_id"],
            "AWS_SECRET_ACCESS_KEY": given["secret_access_key"],
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        for name in ["endpoint", "bucket_host", "origin_port", "public_key"]:
            self.environment[f"TF_VAR_{name}"] = str(given[name])

    def run(self, *arguments, allowed=(0,)):
        """Runs a command; returns its exit status and its output."""
        command = [self.program, *arguments]
        ran = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True
        )
        if ran.returncode not in allowed:
            raise SystemExit(f"{command}: {ran.returncode}\n{ran.stdout}{ran.stderr}")
        return ran.returncode, ran.stdout

    def apply(self, *variables):
        """Applies; returns what it says of the numbers of resources."""
        _, output = self.run("apply", "-no-color", "-auto-approve", *options(variables))
        return next(line for line in output.splitlines() if line.startswith("Apply complete!"))

    def plan(self, *variables):
        """Returns the actions that are left; none after a good apply."""
        arguments = ["plan", "-no-color", "-detailed-exitcode", *options(variables)]
        status, output = self.run(*arguments, allowed=(0, SOMETHING_TO_DO))
        return "" if status == 0 else output

    def forget(self, ids):
        """Loses the state of all resources, which the next apply imports by their ids."""
        os.remove(os.path.join(self.folder, "terraform.tfstate"))
        blocks = [f'import {{\n  to = {address}\n  id = "{id}"\n}}\n' for address, id in ids.items()]
        with open(os.path.join(self.folder, "imports.tf"), "w", encoding="utf-8") as file:
            file.writelines(blocks)

    def outputs(self):
        """Returns the outputs of the module."""
        _, output = self.run("output", "-json")
        return {name: one["value"] for name, one in json.loads(output).items()}


def options(variables):
    return [part for variable in variables for part in ("-var", variable)]


def main():
    given = settings()
    with tempfile.TemporaryDirectory() as folder:
        terraform = Terraform(sys.argv[1], sys.argv[2], folder, given)
        terraform.run("init", "-no-color")
        step("apply", said=terraform.apply())
        made = terraform.outputs()
        groups = [
            [group["key_group_id"], group["key_pair_ids"]]
            for one in made["trusted_key_groups"]
            for group in one["items"]
        ]
        names = ["aws_cloudfront_key_group.group", "aws_cloudfront_public_key.key"]
        group, key = (made["ids"][name] for name in names)
        host = made["domain_name"]
        step("second plan", left=terraform.plan(), groups=groups == [[group, [key]]])
        step(
            "viewers",
            open=open_url(given["edge"], f"http://{host}/"),
            private=open_url(given["edge"], f"http://{host}/private.txt")[0],
        )
        changes = ["comment=changed", "stage=production", "enabled=false"]
        step("update", said=terraform.apply(*changes), left=terraform.plan(*changes))
        terraform.forget(made["ids"])
        # The distribution changes in an attribute of the provider's own, which is no member of the API.
        said = terraform.apply(*changes)
        step("import", said=said, left=terraform.plan(*changes))
        _, output = terraform.run("destroy", "-no-color", "-auto-approve", *options(changes))
        said = next(line for line in output.splitlines() if line.startswith("Destroy complete!"))
        step("destroy", said=said)


if __name__ == "__main__":
    main()
