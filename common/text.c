#include "common/text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"

static void
text_reserve(struct text *text, size_t more)
{
    size_t needed = text->length + more + 1;
    size_t capacity = text->capacity == 0 ? 64 : text->capacity;

    if (needed <= text->capacity)
        return;
    while (capacity < needed)
        capacity *= 2;
    text->data = memory_resize(text->data, capacity);
    text->capacity = capacity;
}

void
text_add_bytes(struct text *text, const char *bytes, size_t length)
{
    text_reserve(text, length);
    if (length > 0)
        memcpy(text->data + text->length, bytes, length);
    text->length += length;
    text->data[text->length] = '\0';
}

void
text_add(struct text *text, const char *string)
{
    text_add_bytes(text, string, strlen(string));
}

void
text_format(struct text *text, const char *format, ...)
{
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0)
        return; /* only an invalid conversion can do this, and the compiler checks those */
    text_reserve(text, (size_t)length);
    va_start(arguments, format);
    (void)vsnprintf(text->data + text->length, (size_t)length + 1, format, arguments);
    va_end(arguments);
    text->length += (size_t)length;
}

static void
add_size(struct text *text, int64_t bytes, const char *const units[5])
{
    double size = (double)bytes;
    size_t unit = 0;

    while (size >= 1024 && unit < 4) {
        size /= 1024;
        unit++;
    }
    text_format(text, unit == 0 ? "%.0f %s" : "%.2f %s", size, units[unit]);
}

void
text_add_size(struct text *text, int64_t bytes)
{
    add_size(text, bytes, (const char *const[]){ "B", "KiB", "MiB", "GiB", "TiB" });
}

void
text_add_app_size(struct text *text, int64_t bytes)
{
    add_size(text, bytes, (const char *const[]){ "B", "KB", "MB", "GB", "TB" });
}

/* Table 3-7 of the Unicode standard. */
size_t
text_utf8_length(const char *string, size_t left)
{
    const unsigned char *bytes = (const unsigned char *)string;
    unsigned char first = bytes[0];
    unsigned char low = 0x80;
    unsigned char high = 0xBF;
    size_t length = 0;

    if (first < 0x80)
        return 1;
    if (first >= 0xC2 && first <= 0xDF)
        length = 2;
    else if (first >= 0xE0 && first <= 0xEF)
        length = 3;
    else if (first >= 0xF0 && first <= 0xF4)
        length = 4;
    if (length == 0 || length > left)
        return 0;
    if (first == 0xE0)
        low = 0xA0;
    else if (first == 0xED)
        high = 0x9F;
    else if (first == 0xF0)
        low = 0x90;
    else if (first == 0xF4)
        high = 0x8F;
    if (bytes[1] < low || bytes[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++)
        if (bytes[i] < 0x80 || bytes[i] > 0xBF)
            return 0;
    return length;
}

static void
text_add_json_control(struct text *text, unsigned char byte)
{
    switch (byte) {
    case '"':
        text_add(text, "\\\"");
        break;
    case '\\':
        text_add(text, "\\\\");
        break;
    case '\n':
        text_add(text, "\\n");
        break;
    case '\r':
        text_add(text, "\\r");
        break;
    case '\t':
        text_add(text, "\\t");
        break;
    default:
        text_format(text, "\\u%04x", byte);
    }
}

void
text_add_count(struct text *text, int64_t count, const char *what)
{
    text_format(text, "%" PRId64 " %s%s", count, what, count == 1 ? "" : "s");
}

void
text_add_json(struct text *text, const char *bytes, size_t length)
{
    const unsigned char *at = (const unsigned char *)bytes;
    size_t i = 0;

    text_add_bytes(text, "\"", 1);
    while (i < length) {
        size_t start = i;
        size_t step = 1;
        while (i < length && at[i] >= 0x20 && at[i] != '"' && at[i] != '\\' && at[i] != 0x7F &&
               (step = text_utf8_length(bytes + i, length - i)) > 0)
            i += step;
        text_add_bytes(text, bytes + start, i - start);
        if (i == length)
            break;
        if (step == 0)
            text_add(text, "\xEF\xBF\xBD");
        else
            text_add_json_control(text, at[i]);
        i++;
    }
    text_add_bytes(text, "\"", 1);
}

void
text_add_utf8(struct text *text, const char *bytes, size_t length)
{
    const unsigned char *at = (const unsigned char *)bytes;

    for (size_t i = 0; i < length;) {
        size_t step = at[i] == '\0' ? 0 : text_utf8_length(bytes + i, length - i);

        if (step > 0)
            text_add_bytes(text, bytes + i, step);
        else
            text_add(text, "\xEF\xBF\xBD");
        i += step > 0 ? step : 1;
    }
}

const char *
text_string(const struct text *text)
{
    return text->data == NULL ? "" : text->data;
}

char *
text_take(struct text *text)
{
    char *string = text->data == NULL ? memory_copy("", 0) : text->data;

    *text = TEXT_EMPTY;
    return string;
}

void
text_reset(struct text *text)
{
    text->length = 0;
    if (text->data != NULL)
        text->data[0] = '\0';
}

void
text_clear(struct text *text)
{
    free(text->data);
    *text = TEXT_EMPTY;
}

size_t
text_put_integer(char *out, int64_t number)
{
    char digits[TEXT_INTEGER_SIZE];
    uint64_t rest = number < 0 ? -(uint64_t)number : (uint64_t)number;
    size_t count = 0;
    size_t length = 0;

    do
        digits[count++] = (char)('0' + rest % 10);
    while ((rest /= 10) > 0);
    if (number < 0)
        out[length++] = '-';
    while (count > 0)
        out[length++] = digits[--count];
    return length;
}

bool
text_parse_integer(const char *bytes, size_t length, int64_t least, int64_t most, int64_t *number)
{
    bool negative = length > 0 && bytes[0] == '-';
    uint64_t limit = negative ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
    uint64_t value = 0;
    int64_t result;

    if (length == (size_t)negative)
        return false;
    for (size_t i = negative; i < length; i++) {
        unsigned digit = (unsigned)((unsigned char)bytes[i] - '0');
        if (digit > 9 || value > (limit - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    if (!negative)
        result = (int64_t)value;
    else
        result = value == 0 ? 0 : -(int64_t)(value - 1) - 1;
    if (result < least || result > most)
        return false;
    *number = result;
    return true;
}
