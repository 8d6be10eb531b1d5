#include "tests/unit/test.h"

#include <string.h>

#include "jobs/ledger_memory.h"

#define ID "0a0a0a0a-1111-4222-8333-444444444444"

static void
what_is_remembered_comes_back(void **state)
{
    struct ledger_memory memory = LEDGER_MEMORY_EMPTY;
    struct ledger_memory again;
    struct ledger_known *known = ledger_memory_add(&memory, ID, "0 3 * * \"\n", "Europe/Berlin");
    struct text json = TEXT_EMPTY;

    (void)state;
    memory.looked.ms = 5;
    known->seen.ms = 1;
    known->settled.ms = 1795382600905;
    known->owed.ms = 3;
    known->unusable = true;
    ledger_memory_add_complaint(&memory, "tab\tand \"quote\"", (struct wall){ .ms = 4 });
    ledger_memory_add_json(&memory, &json);
    ledger_memory_parse(text_string(&json), json.length, &again);
    assert_int_equal(again.looked.ms, 5);
    assert_int_equal(again.known_count, 1);
    known = ledger_memory_find(&again, ID);
    assert_non_null(known);
    assert_string_equal(known->cron, "0 3 * * \"\n");
    assert_string_equal(known->timezone, "Europe/Berlin");
    assert_int_equal(known->seen.ms, 1);
    assert_int_equal(known->settled.ms, 1795382600905);
    assert_int_equal(known->owed.ms, 3);
    assert_true(known->unusable);
    assert_int_equal(again.complaint_count, 1);
    assert_true(ledger_memory_was_told(&again, "tab\tand \"quote\""));
    assert_false(ledger_memory_was_told(&again, "tab"));
    assert_int_equal(again.complaints[0].told.ms, 4);
    text_clear(&json);
    ledger_memory_clear(&memory);
    ledger_memory_clear(&again);
}

static void
garbage_is_no_memory(void **state)
{
    static const char wrong_types[] =
        "{\"configs\":[7,{\"id\":\"no uuid\",\"cron\":\"\",\"timezone\":\"\"},{\"id\":\"" ID "\",\"cron\":7}]}";
    static const char *const texts[] = { "", "{", "[]", "null", "{\"configs\":7,\"complaints\":{}}", wrong_types,
        "{\"complaints\":[{\"about\":null},\"x\"]}", "\xff\xfe", "{}{}" };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct ledger_memory memory;

        ledger_memory_parse(texts[i], strlen(texts[i]), &memory);
        assert_int_equal(memory.known_count, 0);
        assert_int_equal(memory.complaint_count, 0);
        ledger_memory_clear(&memory);
    }
}

static void
more_than_the_limit_is_no_memory(void **state)
{
    struct text text = TEXT_EMPTY;
    struct ledger_memory memory;

    (void)state;
    text_add(&text, "{\"complaints\":[{\"about\":\"x\",\"told\":1}]}");
    ledger_memory_parse(text_string(&text), text.length, &memory);
    assert_int_equal(memory.complaint_count, 1);
    ledger_memory_clear(&memory);
    while (text.length <= LEDGER_MEMORY_BYTES_MAX)
        text_add(&text, "                                                                ");
    ledger_memory_parse(text_string(&text), text.length, &memory);
    assert_int_equal(memory.complaint_count, 0);
    text_clear(&text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_remembered_comes_back),
        cmocka_unit_test(garbage_is_no_memory),
        cmocka_unit_test(more_than_the_limit_is_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
