#include "../reports/grid.h"

#include "../engine/base/err.h"
#include "test.h"

#include <math.h>

static const struct grid_column columns[] = {{"method", "method", GRID_TEXT, 0, 0},
                                             {"quality", "quality", GRID_PERCENT, 1, 0},
                                             {"difference", "to dense", GRID_POINTS, 1, 0},
                                             {"speed", "speed", GRID_TIMES, 0, 0},
                                             {"hash", "hash", GRID_TEXT, 0, 1}};

static void fill(struct grid *g)
{
	grid_open(g, "t", "A title & more", columns, 5);
	grid_group(g, "first, <group>");
	grid_row(g, GRID_BODY);
	grid_text(g, "a_b|c, \"d\"");
	grid_number(g, 0.8412, 0.82, 0.86, NAN, NULL);
	grid_number(g, -0.0213, -0.04, 0.0003, NAN, "*");
	grid_number(g, 12.345, NAN, NAN, NAN, NULL);
	grid_text(g, "0123");
	grid_row(g, GRID_PUBLISHED);
	grid_text(g, "other");
	grid_number(g, 0.9, NAN, NAN, 0.004, NULL);
	grid_nothing(g);
	grid_nothing(g);
	grid_text(g, "");
	buf_add_text(&g->notes, "A note.\n");
}

static const char *written(enum grid_format format, struct buf *out)
{
	struct grid g;
	struct err e = {0};
	fill(&g);
	CHECK_OK(grid_check(&g, &e), &e);
	grid_write(&g, format, "made of run 1\n", out);
	grid_free(&g);
	return out->data;
}

TEST(markdown_is_a_table_a_group_with_rounded_numbers)
{
	struct buf b = {0};
	CHECK_STR(written(GRID_md, &b), "## A title & more\n\n### first, &lt;group>\n\n"
	                                "| method | quality | to dense | speed |\n|---|--:|--:|--:|\n"
	                                "| a\\_b\\|c, \"d\" | 84.1 [82.0, 86.0] | −2.1\\* [−4.0, +0.0] | 12.3 |\n"
	                                "| *other* | 90.0 ± 0.4 |  |  |\n\nA note.\n\n```\nmade of run 1\n```\n");
	buf_free(&b);
}

TEST(csv_has_numbers_in_full_and_what_people_do_not_see)
{
	struct buf b = {0};
	CHECK_STR(written(GRID_csv, &b),
	          "group,style,method,quality,quality_lo,quality_hi,quality_sd,difference,difference_lo,difference_hi,"
	          "difference_sd,speed,hash\n"
	          "\"first, <group>\",ours,\"a_b|c, \"\"d\"\"\",0.8412,0.82,0.86,,-0.0213,-0.04,0.0003,,12.345,0123\n"
	          "\"first, <group>\",published,other,0.9,,,0.004,,,,,,\n");
	buf_free(&b);
}

TEST(latex_escapes_and_has_booktabs_rules)
{
	struct buf b = {0};
	const char *text = written(GRID_latex, &b);
	CHECK_CONTAINS(text, "% made of run 1\n");
	CHECK_CONTAINS(text, "{\\footnotesize\\setlength{\\tabcolsep}{3pt}\n\\begin{longtable}{lrrr}");
	CHECK_CONTAINS(text, "\\caption{A title \\& more}");
	CHECK_CONTAINS(text, "\\multicolumn{4}{l}{\\textbf{first, $<$group$>$}}");
	CHECK_CONTAINS(text, "a\\_b|c, \"d\" & 84.1 {\\scriptsize[82.0, 86.0]} & $-$2.1$^{*}$");
	CHECK_CONTAINS(text, "\\textit{other} & 90.0 {\\scriptsize$\\pm$ 0.4} &  &  \\\\\n\\bottomrule");
	buf_free(&b);
}

TEST(html_escapes_and_names_rows_for_readers_of_the_screen)
{
	struct buf b = {0};
	const char *text = written(GRID_html, &b);
	CHECK_CONTAINS(text, "<caption>A title &amp; more</caption>");
	CHECK_CONTAINS(text, "<th colspan=\"4\" scope=\"rowgroup\">first, &lt;group&gt;</th>");
	CHECK_CONTAINS(text, "<th scope=\"row\">a_b|c, &quot;d&quot;</th><td class=\"n\">84.1 <small>[82.0, 86.0]</small>");
	CHECK_CONTAINS(text, "<tr class=\"published\">");
	buf_free(&b);
}

TEST(what_rounds_to_nothing_has_no_minus)
{
	struct grid g;
	struct buf b = {0};
	grid_open(&g, "t", "t", columns + 2, 1);
	grid_row(&g, GRID_BODY);
	grid_number(&g, -0.0004, NAN, NAN, NAN, NULL);
	grid_write(&g, GRID_md, "", &b);
	CHECK_CONTAINS(b.data, "| +0.0 |");
	grid_free(&g);
	buf_free(&b);
}
