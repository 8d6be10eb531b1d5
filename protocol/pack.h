/* pack: structured script arguments as MessagePack, which Redis' Lua reads with cmsgpack. The owner clears it. */
#ifndef PROTOCOL_PACK_H
#define PROTOCOL_PACK_H

#include <msgpack.h>
#include <stddef.h>
#include <stdint.h>

struct pack {
    msgpack_sbuffer buffer;
    msgpack_packer packer;
};

void pack_init(struct pack *pack);
void pack_map(struct pack *pack, size_t members); /* that many keys and values follow */
void pack_array(struct pack *pack, size_t elements);
void pack_string(struct pack *pack, const char *string);
void pack_number(struct pack *pack, int64_t number);
void pack_clear(struct pack *pack);

#endif
