/*
 * SBP-2 target: trouble at random. With each ORB the dice are thrown, and so
 * what goes wrong depends on the seed and on how many ORBs there were before,
 * and on nothing else: the same seed gives the same sequence.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/visitor.h"
#include "sbp2.h"
#include "trace.h"

#define DEFAULT_RATE    50
#define MAX_SEQUENCE    4000

static const SBP2Mischief mischiefs[] = {
    { "status-lost", SBP2_FAULT_STATUS_LOST, 1 },
    { "status-twice", SBP2_FAULT_STATUS_TWICE, 3 },
    { "status-wrong-orb", SBP2_FAULT_STATUS_WRONG_ORB, 1 },
    { "force-status", SBP2_FAULT_FORCE_STATUS, 1 },
    { "agent-dies", SBP2_FAULT_AGENT_DIES, 1 },
    { "agent-wedges", SBP2_FAULT_AGENT_WEDGES, 1 },
    { "management-busy", SBP2_FAULT_MANAGEMENT_BUSY, 3 },
    { "management-lost", SBP2_FAULT_MANAGEMENT_LOST, 1 },
    { "reconnect-refuse", SBP2_FAULT_RECONNECT_REFUSE, 1 },
    { "ack-busy", SBP2_MISCHIEF_ACK_BUSY, 40 },
    { "ack-lost", SBP2_MISCHIEF_ACK_LOST, 1 },
    { "response-lost", SBP2_MISCHIEF_RESPONSE_LOST, 1 },
    { "forget-logins", SBP2_MISCHIEF_FORGET, 1 },
    { "reset", SBP2_MISCHIEF_RESET, 1 },
};

const SBP2Mischief *sbp2_misbehave_next(SBP2Misbehave *m, unsigned *times)
{
    const SBP2Mischief *mischief;

    m->orbs++;
    if (!m->seed || fw_random(&m->random) % (m->rate ?: DEFAULT_RATE)) {
        return NULL;
    }
    mischief = &mischiefs[fw_random(&m->random) % ARRAY_SIZE(mischiefs)];
    *times = 1 + fw_random(&m->random) % mischief->most;
    m->value = fw_random(&m->random);
    return mischief;
}

static void force_status(SBP2Target *t, uint32_t value)
{
    t->faults.force_resp = value & 3;
    t->faults.force_sbp_status = value >> 8 & 0xff;
}

static void do_mischief(SBP2Target *t, const SBP2Mischief *mischief,
                        unsigned times)
{
    FWDevice *dev = FW_DEVICE(t);

    switch (mischief->kind) {
    case SBP2_MISCHIEF_ACK_BUSY:
        dev->fault[FW_FAULT_ACK_BUSY].left += times;
        break;
    case SBP2_MISCHIEF_ACK_LOST:
        dev->fault[FW_FAULT_ACK_LOST].left += times;
        break;
    case SBP2_MISCHIEF_RESPONSE_LOST:
        dev->split_writes = true;
        dev->fault[FW_FAULT_RESPONSE_LOST].left += times;
        break;
    case SBP2_MISCHIEF_FORGET:
        sbp2_faults_forget_logins(t);
        break;
    case SBP2_MISCHIEF_RESET:
        fw_bus_reset(dev->node.bus, &dev->node, t->misbehave.value & 1);
        break;
    case SBP2_FAULT_FORCE_STATUS:
        force_status(t, t->misbehave.value);
        t->faults.fault[mischief->kind].left += times;
        break;
    case SBP2_FAULT_RECONNECT_REFUSE:
        t->faults.reconnect_refuse = SBP2_FUNCTION_REJECTED;
        t->faults.fault[mischief->kind].left += times;
        break;
    default:
        t->faults.fault[mischief->kind].left += times;
        break;
    }
}

void sbp2_misbehave(SBP2Target *t)
{
    SBP2Misbehave *m = &t->misbehave;
    unsigned times;
    const SBP2Mischief *mischief = sbp2_misbehave_next(m, &times);

    if (!mischief) {
        return;
    }
    m->done++;
    trace_sbp2_misbehave(m->orbs, mischief->name, times);
    if (m->sequence->len < MAX_SEQUENCE) {
        g_string_append_printf(m->sequence, "%u:%s*%u ", m->orbs,
                               mischief->name, times);
    }
    do_mischief(t, mischief, times);
}

/* Properties */

static void get_seed(Object *obj, Visitor *v, const char *name, void *opaque,
                     Error **errp)
{
    visit_type_uint32(v, name, &SBP2_TARGET(obj)->misbehave.seed, errp);
}

/* From the beginning of the seed's sequence, or no more with 0 */
static void set_seed(Object *obj, Visitor *v, const char *name, void *opaque,
                     Error **errp)
{
    SBP2Misbehave *m = &SBP2_TARGET(obj)->misbehave;

    if (visit_type_uint32(v, name, &m->seed, errp)) {
        m->random.state = m->seed;
        m->orbs = 0;
        if (m->seed) {
            g_string_truncate(m->sequence, 0);
        }
    }
}

static char *get_sequence(Object *obj, Error **errp)
{
    return g_strdup(SBP2_TARGET(obj)->misbehave.sequence->str);
}

void sbp2_misbehave_init(SBP2Target *t)
{
    Object *obj = OBJECT(t);
    SBP2Misbehave *m = &t->misbehave;

    m->sequence = g_string_new(NULL);
    object_property_add(obj, "misbehave", "uint32", get_seed, set_seed, NULL,
                        NULL);
    object_property_add_uint32_ptr(obj, "misbehave-rate", &m->rate,
                                   OBJ_PROP_FLAG_READWRITE);
    object_property_add_uint32_ptr(obj, "misbehave-done", &m->done,
                                   OBJ_PROP_FLAG_READ);
    object_property_add_str(obj, "misbehave-sequence", get_sequence, NULL);
}

void sbp2_misbehave_finalize(SBP2Target *t)
{
    g_string_free(t->misbehave.sequence, true);
}
