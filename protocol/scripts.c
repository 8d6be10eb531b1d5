#include "protocol/scripts.h"

#define LUA_SCRIPT(script_name, script_sha1, script_text)                                                              \
    const struct script script_##script_name = {                                                                       \
        .name = #script_name, .sha1 = (script_sha1), .text = (script_text), .length = sizeof(script_text) - 1          \
    };
#include "lua_scripts.inc"
