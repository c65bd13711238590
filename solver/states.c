#include "solver/states.h"

#include <stdlib.h>
#include <string.h>

static const uint32_t NO_STATE = UINT32_MAX;

struct state {
    double value, loss;
    uint32_t parent; /* index of the state it came from; NO_STATE at the root */
    uint32_t item;   /* what was added, `count` times */
    int64_t count;
    int64_t room[STATES_MAX_DIMS];
};

struct run {
    const struct states_question *q;
    struct state *states; /* all layers, one behind the other */
    uint32_t len;
    uint32_t *slots;  /* hash of the layer being made: state + 1 */
    uint32_t layer;   /* states from here on belong to it */
    uint32_t n_slots; /* power of two */
    uint32_t best_state;
    double best;
};

static uint32_t hash_room(const struct run *run, const int64_t *room)
{
    uint64_t hash = 14695981039346656037u;
    for (uint32_t d = 0; d < run->q->n_dims; d++) {
        hash = (hash ^ (uint64_t)room[d]) * 1099511628211u;
        hash ^= hash >> 29;
    }
    return (uint32_t)hash & (run->n_slots - 1);
}

/* Adds a state, or improves the one of this layer with the same room. False where the states are used up. */
static bool put(struct run *run, const struct state *state)
{
    uint32_t slot = hash_room(run, state->room);
    while (run->slots[slot] > run->layer) { /* what earlier layers left there is free */
        struct state *same = &run->states[run->slots[slot] - 1];
        if (memcmp(same->room, state->room, run->q->n_dims * sizeof(*state->room)) == 0) {
            if (state->value > same->value)
                *same = *state;
            return true;
        }
        slot = (slot + 1) & (run->n_slots - 1);
    }
    if (run->len == run->q->most_states)
        return false;
    run->states[run->len++] = *state;
    run->slots[slot] = run->len;
    return true;
}

static int64_t fit(const struct run *run, const int64_t *room, uint32_t item)
{
    int64_t most = run->q->bound[item];
    for (uint32_t d = 0; d < run->q->n_dims && most > 0; d++)
        if (run->q->req[item][d] > 0) {
            int64_t times = room[d] / run->q->req[item][d];
            most = times < most ? times : most;
        }
    return most;
}

/* All that one state can become with the next item. */
static bool expand(struct run *run, uint32_t from, uint32_t item)
{
    const struct states_question *q = run->q;
    double reduced = q->reduced[item];
    int64_t most = fit(run, run->states[from].room, item);
    for (int64_t count = most; count >= 0; count--) {
        struct state next = run->states[from];
        next.loss += reduced > 0 ? (double)(q->bound[item] - count) * reduced : -(double)count * reduced;
        next.value += (double)count * q->value[item];
        if (next.value > run->best + q->margin)
            run->best = next.value; /* the state is kept below: its bound is at least its value */
        else if (q->upper - next.loss <= run->best + q->margin)
            continue;
        next.parent = from;
        next.item = item;
        next.count = count;
        for (uint32_t d = 0; d < q->n_dims; d++)
            next.room[d] -= count * q->req[item][d];
        if (!put(run, &next))
            return false;
    }
    return true;
}

/* What the states from `first` on could still become at the most. */
static double open_bound(const struct run *run, uint32_t first)
{
    double least = run->q->upper;
    for (uint32_t i = first; i < run->len; i++)
        if (run->states[i].loss < least)
            least = run->states[i].loss;
    double upper = run->q->upper - least;
    return upper > run->best ? upper : run->best;
}

static void read_counts(const struct run *run, uint32_t state, int64_t *counts)
{
    memset(counts, 0, run->q->n_items * sizeof(*counts));
    for (; run->states[state].parent != NO_STATE; state = run->states[state].parent)
        counts[run->states[state].item] = run->states[state].count;
}

/* Finds the most valuable state: slots may have replaced the one that was best when it was put. */
static bool find_best(struct run *run)
{
    run->best_state = NO_STATE;
    double most = run->q->best + run->q->margin;
    for (uint32_t i = 0; i < run->len; i++)
        if (run->states[i].value > most) {
            most = run->states[i].value;
            run->best_state = i;
        }
    return run->best_state != NO_STATE;
}

static double run_layers(struct run *run)
{
    const struct states_question *q = run->q;
    uint32_t first = 0;
    for (uint32_t item = 0; item < q->n_items; item++) {
        uint32_t end = run->len;
        run->layer = end;
        for (uint32_t i = first; i < end; i++)
            if (q->upper - run->states[i].loss > run->best + q->margin && !expand(run, i, item))
                return open_bound(run, first);
        first = end;
        if (run->len == end)
            break; /* nothing is left that could beat the best */
    }
    return run->best + q->margin;
}

struct states_answer states_solve(const struct states_question *q, int64_t *counts)
{
    struct states_answer answer = {q->best, q->upper, false};
    struct run run = {.q = q, .best = q->best, .n_slots = 1};
    while (run.n_slots < q->most_states * 2)
        run.n_slots *= 2;
    run.states = malloc(q->most_states * sizeof(*run.states));
    run.slots = calloc(run.n_slots, sizeof(*run.slots));
    if (run.states && run.slots && q->most_states > 0) {
        run.states[0] = (struct state){.parent = NO_STATE};
        memcpy(run.states[0].room, q->room, q->n_dims * sizeof(*q->room));
        run.len = 1;
        answer.upper = run_layers(&run);
        answer.better = find_best(&run);
        if (answer.better) {
            answer.best = run.states[run.best_state].value;
            read_counts(&run, run.best_state, counts);
        }
    }
    free(run.states);
    free(run.slots);
    return answer;
}
