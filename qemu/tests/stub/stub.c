/*
 * Virtual clock and types.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/timer.h"
#include "hw/qdev-core.h"
#include "qapi/error.h"
#include "qemu/error-report.h"

unsigned stub_errors, stub_warnings;

/* Clock */

struct QEMUTimer {
    void (*fn)(void *opaque);
    void *opaque;
    int64_t at;
    bool pending;
    TAILQ_ENTRY(QEMUTimer) next;
};

static TAILQ_HEAD(, QEMUTimer) timers = TAILQ_HEAD_INITIALIZER(timers);
static int64_t now;

int64_t qemu_clock_get_ns(int clock)
{
    return now;
}

QEMUTimer *timer_new_ns(int clock, void (*fn)(void *opaque), void *opaque)
{
    QEMUTimer *timer = g_new0(QEMUTimer, 1);

    timer->fn = fn;
    timer->opaque = opaque;
    return timer;
}

void timer_del(QEMUTimer *timer)
{
    if (timer->pending) {
        TAILQ_REMOVE(&timers, timer, next);
        timer->pending = false;
    }
}

void timer_mod(QEMUTimer *timer, int64_t at)
{
    timer_del(timer);
    timer->at = at;
    timer->pending = true;
    TAILQ_INSERT_TAIL(&timers, timer, next);
}

void timer_free(QEMUTimer *timer)
{
    timer_del(timer);
    g_free(timer);
}

bool timer_pending(QEMUTimer *timer)
{
    return timer->pending;
}

static QEMUTimer *earliest(void)
{
    QEMUTimer *timer, *first = NULL;

    TAILQ_FOREACH(timer, &timers, next) {
        if (!first || timer->at < first->at) {
            first = timer;
        }
    }
    return first;
}

void stub_run(int64_t ns)
{
    int64_t end = now + ns;
    QEMUTimer *timer;

    while ((timer = earliest()) && timer->at <= end) {
        now = MAX(now, timer->at);
        timer_del(timer);
        timer->fn(timer->opaque);
    }
    now = end;
}

/* Properties: one setter a name */

typedef struct StubProperty {
    const char *name;
    ObjectSetBool *set_bool;
    ObjectSetStr *set_str;
} StubProperty;

/* By name; a new one is where there is none yet */
static StubProperty *property(const char *name)
{
    static StubProperty properties[16];
    unsigned i;

    for (i = 0; properties[i].name; i++) {
        if (!strcmp(properties[i].name, name)) {
            return &properties[i];
        }
    }
    properties[i].name = name;
    return &properties[i];
}

void stub_property_add_bool(const char *name, ObjectSetBool *set)
{
    property(name)->set_bool = set;
}

void stub_property_add_str(const char *name, ObjectSetStr *set)
{
    property(name)->set_str = set;
}

void object_property_set_bool(Object *obj, const char *name, bool value,
                              Error **errp)
{
    property(name)->set_bool(obj, value, errp);
}

void object_property_set_str(Object *obj, const char *name, const char *value,
                             Error **errp)
{
    property(name)->set_str(obj, value, errp);
}

/* Types */

static const TypeInfo *types[16];

void type_register_static(const TypeInfo *info)
{
    unsigned i;

    for (i = 0; types[i]; i++) {
        continue;
    }
    types[i] = info;
}

static const TypeInfo *type_by_name(const char *name)
{
    unsigned i;

    for (i = 0; types[i]; i++) {
        if (!strcmp(types[i]->name, name)) {
            return types[i];
        }
    }
    return NULL;
}

static void class_init(const TypeInfo *type, ObjectClass *klass)
{
    if (!type) {
        return;
    }
    class_init(type_by_name(type->parent), klass);
    if (type->class_init) {
        type->class_init(klass, NULL);
    }
}

static void init(const TypeInfo *type, Object *obj)
{
    if (!type) {
        return;
    }
    init(type_by_name(type->parent), obj);
    if (type->instance_init) {
        type->instance_init(obj);
    }
}

/* A class of its own for each object, and so are those above it */
static ObjectClass *class_new(const TypeInfo *type)
{
    ObjectClass *klass;

    if (!type) {
        return NULL;
    }
    klass = g_malloc0(1024);
    klass->name = type->name;
    klass->parent = class_new(type_by_name(type->parent));
    class_init(type, klass);
    return klass;
}

static void class_free(ObjectClass *klass)
{
    if (klass) {
        class_free(klass->parent);
        g_free(klass);
    }
}

void *object_new(const char *name)
{
    const TypeInfo *type = type_by_name(name);
    Object *obj = g_malloc0(type->instance_size);

    obj->klass = class_new(type);
    init(type, obj);
    return obj;
}

void object_unref(void *ptr)
{
    Object *obj = ptr;
    const TypeInfo *type = type_by_name(object_get_typename(obj));

    for (; type; type = type_by_name(type->parent)) {
        if (type->instance_finalize) {
            type->instance_finalize(obj);
        }
    }
    class_free(obj->klass);
    g_free(obj);
}
