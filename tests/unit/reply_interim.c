/* Interim responses and the one that switches protocols (RFC 9110 15.2). */
#include "unit_test.h"
#include "unit_reply.h"

#define SL       UNIT_SL
#define CL       UNIT_CL
#define CONTINUE "HTTP/1.1 100 Continue\r\n\r\n"
#define FINAL    SL CL "5\r\n\r\nhello"

static void interim_responses_are_passed_over(void **state) {
  static const unit_reply_case_t cases[] = {
      REUSES("100", CONTINUE FINAL, "hello"),
      REUSES("102", "HTTP/1.1 102 Processing\r\n\r\n" FINAL, "hello"),
      REUSES("103", "HTTP/1.1 103 X\r\nLink: </a.css>\r\n\r\n" FINAL, "hello"),
      REUSES("199", "HTTP/1.1 199 X\r\n\r\n" FINAL, "hello"),
      REUSES("no reason", "HTTP/1.1 100\r\n\r\n" FINAL, "hello"),
      REUSES("several",
             CONTINUE "HTTP/1.1 103 X\r\nA: b\r\n\r\n" CONTINUE FINAL, "hello"),
      REUSES("with a length", "HTTP/1.1 100 X\r\n" CL "5\r\n\r\n" FINAL,
             "hello"),
      REUSES("with a huge length",
             "HTTP/1.1 100 X\r\n" CL "99999999999\r\n\r\n" FINAL, "hello"),
      REUSES("chunked", "HTTP/1.1 100 X\r\n" UNIT_TE "\r\n" FINAL, "hello"),
      REUSES("that says close",
             "HTTP/1.1 100 X\r\nConnection: close\r\n\r\n" FINAL, "hello"),
      REUSES("of HTTP/1.0", "HTTP/1.0 100 X\r\n\r\n" FINAL, "hello"),
      REUSES("keep-alive of 0 seconds",
             "HTTP/1.1 100 X\r\nKeep-Alive: timeout=0\r\n\r\n" FINAL, "hello"),
      REUSES("before chunks", CONTINUE SL UNIT_TE "\r\n5\r\nhello\r\n0\r\n\r\n",
             "hello"),
      CLOSES("before an answer of HTTP/1.0",
             CONTINUE "HTTP/1.0 200 OK\r\n" CL "5\r\n\r\nhello", "hello"),
      CLOSES("behind the answer", FINAL CONTINUE, "hello"),
      ENDS("before one until the end", CONTINUE SL "\r\nhello", "hello"),
      WAITS("nothing behind it", CONTINUE),
      CUT("ended behind it", CONTINUE),
      CUT("ended in the next head", CONTINUE "HTTP/1.1 2"),
  };
  (void)state;
  UNIT_CHECK(cases);
}

static void an_interim_response_leaves_nothing_in_the_answer(void **state) {
  static const char bytes[] =
      "HTTP/1.1 103 X\r\nLink: a\r\nLink: b\r\n\r\n" SL CL "0\r\nX: y\r\n\r\n";
  size_t step;

  (void)state;
  for (step = 1; step < sizeof bytes; step++) {
    unit_reply_outcome_t o =
        unit_reply_run(bytes, sizeof bytes - 1, step, 0, 8192, 8192);

    assert_int_equal(o.verdict, 1);
    assert_int_equal(o.header_count, 2);
    assert_int_equal(o.status, 200);
  }
}

static void malformed_interim_responses_are_refused(void **state) {
  static const unit_reply_case_t cases[] = {
      FAILS("bare LF", "HTTP/1.1 100 Continue\n\n" FINAL),
      FAILS("two lengths",
            "HTTP/1.1 100 X\r\n" CL "5\r\n" CL "6\r\n\r\n" FINAL),
      FAILS("a body", CONTINUE "hello" FINAL),
      FAILS("a line end behind it", CONTINUE "\r\n" FINAL),
      FAILS("an empty name", "HTTP/1.1 100 X\r\n: b\r\n\r\n" FINAL),
  };
  (void)state;
  UNIT_CHECK(cases);
}

static void switching_protocols_is_refused(void **state) {
  static const unit_reply_case_t cases[] = {
      FAILS("with an upgrade", "HTTP/1.1 101 X\r\nUpgrade: websocket\r\n"
                               "Connection: Upgrade\r\n\r\n\x81\x05hello"),
      FAILS("without", "HTTP/1.1 101 X\r\n\r\n"),
      FAILS("without, and an answer", "HTTP/1.1 101 X\r\n\r\n" FINAL),
      FAILS("with a length", "HTTP/1.1 101 X\r\n" CL "3\r\n\r\nabc"),
      FAILS("behind another", CONTINUE "HTTP/1.1 101 X\r\n\r\n"),
      {UNIT_CASE("to HEAD", "HTTP/1.1 101 X\r\n\r\n", POOL_EPARSE),
       .flags = UNIT_TO_HEAD},
  };
  (void)state;
  UNIT_CHECK(cases);
}

static void an_offer_to_upgrade_is_just_a_field(void **state) {
  static const unit_reply_case_t cases[] = {
      REUSES("200",
             SL "Connection: upgrade\r\nUpgrade: h2c\r\n" CL "5\r\n\r\nhello",
             "hello"),
      REUSES("200 in chunks",
             SL "Connection: upgrade\r\nUpgrade: h2c\r\n" UNIT_TE
                "\r\n5\r\nhello\r\n0\r\n\r\n",
             "hello"),
      {UNIT_CASE("426",
                 "HTTP/1.1 426 X\r\nConnection: upgrade\r\nUpgrade: h2c\r\n" CL
                 "5\r\n\r\nhello",
                 1),
       .body = "hello", .status = 426, .fate = UNIT_REUSE},
      {UNIT_CASE("204",
                 "HTTP/1.1 204 X\r\nConnection: upgrade\r\nUpgrade: h2c\r\n"
                 "\r\n",
                 1),
       .body = "", .status = 204, .fate = UNIT_REUSE},
  };
  (void)state;
  UNIT_CHECK(cases);
}

static unit_reply_outcome_t run_interims(unsigned count, size_t step) {
  size_t len = count * strlen(CONTINUE) + strlen(FINAL);
  char *bytes = malloc(len + 1);
  unit_reply_outcome_t outcome;
  unsigned i;

  assert_non_null(bytes);
  for (i = 0; i < count; i++)
    memcpy(bytes + i * strlen(CONTINUE), CONTINUE, strlen(CONTINUE));
  strcpy(bytes + count * strlen(CONTINUE), FINAL);
  outcome = unit_reply_run(bytes, len, step, 0, 65536, 8192);
  free(bytes);
  return outcome;
}

static void so_many_interim_responses_and_no_more(void **state) {
  static const size_t steps[] = {1, 7, 25, 64, 100000};
  size_t i;

  (void)state;
  for (i = 0; i < sizeof steps / sizeof steps[0]; i++) {
    unit_reply_outcome_t o = run_interims(POOL__REPLY_INTERIMS, steps[i]);

    assert_int_equal(o.verdict, 1);
    assert_int_equal(o.body_len, 5);
    o = run_interims(POOL__REPLY_INTERIMS + 1, steps[i]);
    assert_int_equal(o.verdict, POOL_EPARSE);
    o = run_interims(1000, steps[i]);
    assert_int_equal(o.verdict, POOL_EPARSE);
  }
}

static void interim_heads_count_against_the_maximum(void **state) {
  size_t head = strlen(SL CL "5\r\n\r\n");
  size_t interim = strlen(CONTINUE);
  static const char bytes[] = CONTINUE CONTINUE FINAL;
  size_t step;

  (void)state;
  for (step = 1; step < sizeof bytes; step++) {
    unit_reply_outcome_t o = unit_reply_run(bytes, sizeof bytes - 1, step, 0,
                                            head + 2 * interim, 8192);

    assert_int_equal(o.verdict, 1);
    o = unit_reply_run(bytes, sizeof bytes - 1, step, 0, head + 2 * interim - 1,
                       8192);
    assert_int_equal(o.verdict, POOL_ETOOLARGE);
    o = unit_reply_run(bytes, sizeof bytes - 1, step, 0, 2 * interim, 8192);
    assert_int_equal(o.verdict, POOL_ETOOLARGE);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(interim_responses_are_passed_over),
      cmocka_unit_test(an_interim_response_leaves_nothing_in_the_answer),
      cmocka_unit_test(malformed_interim_responses_are_refused),
      cmocka_unit_test(switching_protocols_is_refused),
      cmocka_unit_test(an_offer_to_upgrade_is_just_a_field),
      cmocka_unit_test(so_many_interim_responses_and_no_more),
      cmocka_unit_test(interim_heads_count_against_the_maximum),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
