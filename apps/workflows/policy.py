"""Who may do what to a workflow, by role; the tenant's wall stands below this, in the database.

Operations demand these with `tenants.policy.require`; pages ask `tenants.policy.may` to show or hide a button.
"""

READ = "workflows.read"
EDIT = "workflows.edit"  # create, rename, archive, restore, save drafts
PUBLISH = "workflows.publish"
DEPLOY = "workflows.deploy"  # make live, take out
READ_DEPLOYMENTS = "deployments.read"
