/*
 * misspelt: variables of the environment that are no setting, but so close to one that they were meant for it.
 *
 * Only those that begin with BACKUP_, and are not empty; and by their names only: what they hold may be a secret. Others may be anybody's.
 */
#ifndef CLI_MISSPELT_H
#define CLI_MISSPELT_H

#define MISSPELT_WORDS "%s is no setting; did you mean %s?"

typedef void misspelt_fn(const char *name, const char *meant, void *owner);

/* `scopes`: of the settings that were meant (common/settings). */
void misspelt_find(unsigned scopes, misspelt_fn *on_found, void *owner);

#endif
