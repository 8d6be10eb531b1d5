#include "consumer/plot.h"

#include "consumer/html.h"

/* The drawing: bars from LEFT to RIGHT, between TOP and BOTTOM. */
#define WIDTH 440
#define HEIGHT 168
#define LEFT 90
#define RIGHT 440
#define TOP 12
#define BOTTOM 144
#define BAR_MOST 22 /* the widest, with its gap */
#define FAILED_HEIGHT 5
#define DATE_WIDTH 175 /* of "24 Nov 2026, 18:37 UTC" with a gap, in the larger letters of a narrow screen (page.css) */

static int64_t
greatest(const struct plot *plot)
{
    int64_t most = 1;

    for (size_t i = 0; i < plot->count; i++)
        if (plot->bars[i].value > most)
            most = plot->bars[i].value;
    return most;
}

static void
add_rule(struct text *out, const struct plot *plot, int64_t value, int64_t most)
{
    int y = BOTTOM - (int)((double)value / (double)most * (BOTTOM - TOP));

    text_format(out, "<line class=\"rule\" x1=\"%d\" x2=\"%d\" y1=\"%d.5\" y2=\"%d.5\"/>", LEFT, RIGHT, y, y);
    if (value == 0)
        return;
    text_format(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">", LEFT - 10, y + 4);
    plot->add_value(out, value);
    text_add(out, "</text>");
}

static void
add_bar(struct text *out, const struct plot *plot, const struct plot_bar *bar, double x, double width, int64_t most)
{
    double height = bar->value < 0 ? 0 : (double)bar->value / (double)most * (BOTTOM - TOP);

    if (bar->failed)
        height = FAILED_HEIGHT;
    else if (bar->value < 0)
        return;
    else if (height < 1)
        height = 1;
    text_format(out, "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"1.5\"><title>",
        bar->failed ? "failed" : plot->class, x, BOTTOM - height, width, height);
    html_add_time(out, bar->at_ms);
    text_add(out, ": ");
    if (bar->failed)
        text_add(out, "failed");
    else
        plot->add_value(out, bar->value);
    text_add(out, "</title></rect>");
}

/* That of the newest bar; that of the oldest, if there is room for both beside each other. */
static void
add_dates(struct text *out, const struct plot *plot, double first_x)
{
    text_format(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">", RIGHT, HEIGHT - 6);
    html_add_time(out, plot->bars[plot->count - 1].at_ms);
    text_add(out, "</text>");
    if (RIGHT - first_x < 2 * DATE_WIDTH)
        return;
    text_format(out, "<text x=\"%.1f\" y=\"%d\">", first_x, HEIGHT - 6);
    html_add_time(out, plot->bars[0].at_ms);
    text_add(out, "</text>");
}

void
plot_add(struct text *out, const struct plot *plot)
{
    int64_t most = greatest(plot);
    double step = plot->count == 0 ? BAR_MOST : (double)(RIGHT - LEFT) / (double)plot->count;
    double first_x;

    if (step > BAR_MOST)
        step = BAR_MOST;
    first_x = RIGHT - step * (double)plot->count;
    text_format(out, "<svg class=\"plot\" viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"", WIDTH, HEIGHT);
    html_add(out, plot->title);
    text_add(out, "\">");
    add_rule(out, plot, 0, most);
    if (most > 1) {
        add_rule(out, plot, most / 2, most);
        add_rule(out, plot, most, most);
    }
    for (size_t i = 0; i < plot->count; i++)
        add_bar(out, plot, &plot->bars[i], first_x + step * (double)i + step * .1, step * .8, most);
    if (plot->count > 0)
        add_dates(out, plot, first_x);
    text_add(out, "</svg>");
}
