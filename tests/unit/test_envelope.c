#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "jobs/envelope.h"

/* Made with node:crypto, as the app makes them: IV of 9s, keys of one byte 32 times. */
#define PASSWORD "p@ss \"w\xC3\xB6rd\"\\"
#define KEY_OF_1 "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="
#define KEY_OF_2 "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI"
#define KEY_OF_FB "-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_s"
#define VERSION_1 "AQExCQkJCQkJCQkJCQkJVOZZYD/i8+sEEhjC3PtpYbRPVL3uEnECySYubfI="
#define VERSION_2 "AgExCQkJCQkJCQkJCQkJ/NXXCA0IgGza8Lnw2nJKGLRPVL3uEnECySYubfI="
#define UNDER_ANOTHER_ID                                                                                               \
    "AgxzY2hsw7xzc2VsLTIJCQkJCQkJCQkJCQk4ve4eoteZ5SnCsXUEm66rUNUKEM3NSB36ebI3YQ==" /* schlüssel-2, key of 2 */
#define OF_AN_EMPTY_PASSWORD "AgExCQkJCQkJCQkJCQkJn9anDNeeShcUki39QYWzsw=="
#define OF_A_ZERO_BYTE "AgExCQkJCQkJCQkJCQkJKIXKz9NEzRL68HJ3Lhl/s6UPRQ=="
#define UNDER_THE_LONGEST_ID /* 255 times k, key of FB */                                                              \
    "Av9ra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tr"             \
    "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tr"             \
    "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tr"             \
    "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2sJCQkJCQkJCQkJCQn90EynGcRmNkOqoUkqfdlI5n/YVK5w+c+U8LfMCA=="

#define CANNOT "the SMTP password cannot be decrypted: "

/* "" or NULL: not set. */
static bool
open_with(const char *base64, const char *key, const char *previous, struct secret *password, struct error *err)
{
    struct secret current_key = SECRET_EMPTY;
    struct secret previous_keys = SECRET_EMPTY;
    struct envelope_keys keys = { .current = &current_key, .current_id = "1", .previous = &previous_keys };
    bool ok;

    if (key != NULL)
        secret_set(&current_key, key, strlen(key));
    if (previous != NULL)
        secret_set(&previous_keys, previous, strlen(previous));
    ok = envelope_open(base64, &keys, password, err);
    secret_clear(&current_key);
    secret_clear(&previous_keys);
    return ok;
}

static void
assert_opens(const char *base64, const char *key, const char *previous, const char *expected)
{
    struct secret password = SECRET_EMPTY;
    struct error err;

    if (!open_with(base64, key, previous, &password, &err))
        fail_msg("%s", err.text);
    assert_string_equal(secret_reveal(&password), expected);
    secret_clear(&password);
}

static void
assert_refused(const char *base64, const char *key, const char *previous, const char *why)
{
    struct secret password = SECRET_EMPTY;
    struct error err;

    assert_false(open_with(base64, key, previous, &password, &err));
    assert_string_equal(err.text, why);
    assert_false(secret_is_set(&password));
}

static void
both_versions_open(void **state)
{
    (void)state;
    assert_opens(VERSION_1, KEY_OF_1, NULL, PASSWORD);
    assert_opens(VERSION_2, KEY_OF_1, NULL, PASSWORD);
    assert_opens(OF_AN_EMPTY_PASSWORD, KEY_OF_1, NULL, "");
}

static void
the_id_says_which_key(void **state)
{
    (void)state;
    assert_opens(UNDER_ANOTHER_ID, KEY_OF_1, "old:" KEY_OF_FB ",schl\xC3\xBCssel-2:" KEY_OF_2, PASSWORD);
    assert_opens(UNDER_ANOTHER_ID, NULL, "schl\xC3\xBCssel-2:" KEY_OF_2 ",old:" KEY_OF_FB, PASSWORD);
    assert_opens(VERSION_2, KEY_OF_1, "1:" KEY_OF_2, PASSWORD);
    assert_opens(VERSION_1, NULL, "1:" KEY_OF_1, PASSWORD);
    assert_refused(VERSION_2, NULL, "11:" KEY_OF_1 ",:" KEY_OF_1,
        CANNOT "its key \"1\" is neither SMTP_SECRET_KEY (with the id in SMTP_SECRET_KEY_KID) nor among "
               "SMTP_PREVIOUS_KEYS");
    assert_refused(UNDER_ANOTHER_ID, KEY_OF_2, NULL,
        CANNOT "its key \"schl\xC3\xBCssel-2\" is neither SMTP_SECRET_KEY (with the id in SMTP_SECRET_KEY_KID) nor "
               "among SMTP_PREVIOUS_KEYS");
}

static void
an_id_may_have_255_bytes(void **state)
{
    char previous[512];

    (void)state;
    memset(previous, 'k', 255);
    (void)snprintf(previous + 255, sizeof(previous) - 255, ":%s", KEY_OF_FB);
    assert_opens(UNDER_THE_LONGEST_ID, KEY_OF_1, previous, PASSWORD);
}

static void
a_wrong_key_opens_nothing(void **state)
{
    (void)state;
    assert_refused(VERSION_1, KEY_OF_2, NULL, CANNOT "its key does not fit, or it is damaged");
    assert_refused(VERSION_2, KEY_OF_2, NULL, CANNOT "its key does not fit, or it is damaged");
}

/* Each byte matters: the version and the id, too, and the end. */
static void
whatever_is_changed_or_cut_off_it_does_not_open(void **state)
{
    static const char *const whole[] = { VERSION_1, VERSION_2 };
    struct secret password = SECRET_EMPTY;
    struct error err;

    (void)state;
    for (size_t i = 0; i < 2; i++)
        for (size_t at = 0; at + 1 < strlen(whole[i]); at++) { /* the last one is '=' */
            char *changed = memory_copy_string(whole[i]);
            char *cut = memory_copy(whole[i], at);

            changed[at] = changed[at] == 'z' ? 'y' : 'z';
            assert_false(open_with(cut, KEY_OF_1, NULL, &password, &err));
            if (at + 2 < strlen(whole[i])) /* the last digit has bits that mean nothing */
                assert_false(open_with(changed, KEY_OF_1, NULL, &password, &err));
            assert_false(secret_is_set(&password));
            free(changed);
            free(cut);
        }
}

static void
what_is_no_envelope_is_told_why(void **state)
{
    char long_text[ENVELOPE_BYTES_MAX + 2];

    (void)state;
    memset(long_text, 'A', sizeof(long_text));
    long_text[sizeof(long_text) - 1] = '\0';
    assert_refused("", KEY_OF_1, NULL, CANNOT "it is too short");
    assert_refused("Ag", KEY_OF_1, NULL, CANNOT "it is too short");
    assert_refused("AgEx", KEY_OF_1, NULL, CANNOT "it is too short");
    assert_refused("hunter2!", KEY_OF_1, NULL, CANNOT "it is not base64");
    assert_refused("AgE=xAAA", KEY_OF_1, NULL, CANNOT "it is not base64");
    assert_refused("AwExCQkJ", KEY_OF_1, NULL, CANNOT "its version is 3, and only 1 and 2 are known");
    assert_refused("AgAxCQkJ", KEY_OF_1, NULL, CANNOT "it names no key");
    assert_refused(long_text, KEY_OF_1, NULL, CANNOT "it is longer than 4096 bytes");
    assert_refused(OF_A_ZERO_BYTE, KEY_OF_1, NULL, CANNOT "there is a zero byte in it");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_versions_open),
        cmocka_unit_test(the_id_says_which_key),
        cmocka_unit_test(an_id_may_have_255_bytes),
        cmocka_unit_test(a_wrong_key_opens_nothing),
        cmocka_unit_test(whatever_is_changed_or_cut_off_it_does_not_open),
        cmocka_unit_test(what_is_no_envelope_is_told_why),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
