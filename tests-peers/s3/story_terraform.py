#!/usr/bin/env python3
"""Terraform applies, plans nothing, changes and destroys what `terraform/main.tf` says of buckets.

Arguments: the program, and the folder of providers that it may install from.
"""

import os
import shutil
import subprocess
import sys
import tempfile

from story import check, settings

HERE = os.path.dirname(os.path.abspath(__file__))


def main():
    given = settings()
    program, providers = sys.argv[1:3]
    folder = tempfile.mkdtemp()
    rc = os.path.join(folder, "terraformrc")
    with open(rc, "w", encoding="utf-8") as file:
        file.write(f'provider_installation {{\n  filesystem_mirror {{\n    path = "{providers}"\n  }}\n}}\n')
    shutil.copy(os.path.join(HERE, "terraform/main.tf"), folder)
    environment = {
        "PATH": os.environ["PATH"], "HOME": folder, "TF_CLI_CONFIG_FILE": rc, "TF_IN_AUTOMATION": "1", "TF_INPUT": "0",
        "CHECKPOINT_DISABLE": "1", "AWS_ACCESS_KEY_ID": given["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": given["secret_access_key"], "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "TF_VAR_endpoint": given["endpoint"],
    }

    def terraform(*arguments, allowed=(0,)):
        ran = subprocess.run([program, *arguments], cwd=folder, env=environment, capture_output=True, text=True)
        if ran.returncode not in allowed:
            raise SystemExit(f"{arguments}: {ran.returncode}\n{ran.stdout[-6000:]}{ran.stderr[-6000:]}")
        return ran.returncode, ran.stdout

    def plan():
        status, output = terraform("plan", "-no-color", "-detailed-exitcode", allowed=(0, 2))
        return "" if status == 0 else output

    terraform("init", "-no-color")
    terraform("apply", "-no-color", "-auto-approve")
    check("plan after the apply", plan(), "")
    environment["TF_VAR_content"] = "hello again"
    terraform("apply", "-no-color", "-auto-approve")
    check("plan after the change", plan(), "")
    terraform("destroy", "-no-color", "-auto-approve")
    print("end")


main()
