"""Links between workflows of a tenant: what one says, what a message becomes over it, how documents list them."""
