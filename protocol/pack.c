#include "protocol/pack.h"

#include <string.h>

/* None of these can fail but for memory; then Redis refuses the cut argument, and the call is told so. */

void
pack_init(struct pack *pack)
{
    msgpack_sbuffer_init(&pack->buffer);
    msgpack_packer_init(&pack->packer, &pack->buffer, msgpack_sbuffer_write);
}

void
pack_map(struct pack *pack, size_t members)
{
    (void)msgpack_pack_map(&pack->packer, members);
}

void
pack_array(struct pack *pack, size_t elements)
{
    (void)msgpack_pack_array(&pack->packer, elements);
}

void
pack_string(struct pack *pack, const char *string)
{
    size_t length = strlen(string);

    (void)msgpack_pack_str(&pack->packer, length);
    (void)msgpack_pack_str_body(&pack->packer, string, length);
}

void
pack_number(struct pack *pack, int64_t number)
{
    (void)msgpack_pack_int64(&pack->packer, number);
}

void
pack_clear(struct pack *pack)
{
    msgpack_sbuffer_destroy(&pack->buffer);
}
