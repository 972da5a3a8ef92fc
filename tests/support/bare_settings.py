"""Settings without the product's apps, for nested runs whose tests look at nothing of them: a start costs a third."""

INSTALLED_APPS: list[str] = []
