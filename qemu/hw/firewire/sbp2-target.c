/*
 * SBP-2 target: a FireWire disk or drive, or several. Its logical units are
 * devices on QEMU's SCSI bus: scsi-hd, scsi-cd, scsi-generic.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/module.h"
#include "qemu/timer.h"
#include "compat-qemu.h"
#include "sbp2.h"
#include "trace.h"

/* Keys of IEEE 1212 and SBP-2 clause 7 */
#define KEY_VENDOR              0x03
#define KEY_CAPABILITIES        0x0c
#define KEY_UNIT_SPEC_ID        0x12
#define KEY_UNIT_SW_VERSION     0x13
#define KEY_LOGICAL_UNIT        0x14
#define KEY_MODEL               0x17
#define KEY_COMMAND_SET_SPEC    0x38
#define KEY_COMMAND_SET         0x39
#define KEY_CHARACTERISTICS     0x3a
#define KEY_FIRMWARE            0x3c
#define KEY_RECONNECT_TIMEOUT   0x3d
#define KEY_MANAGEMENT_AGENT    0x54
#define KEY_UNIT_UNIQUE_ID      0x8d
#define KEY_UNIT_DIRECTORY      0xd1

#define SBP2_SPEC_ID            0x00609e
#define SBP2_SW_VERSION         0x010483
#define SCSI_SPEC_ID            0x00609e
#define SCSI_COMMAND_SET        0x0104d8
#define NODE_CAPABILITIES       0x0083c0

/* Configuration ROM */

static SCSIDevice *logical_unit(SBP2Target *t, unsigned lun)
{
    SCSIDevice *device = scsi_device_find(&t->scsi, 0, 0, lun);

    return device && device->lun == lun ? device : NULL;
}

static void rom_unit_directory(SBP2Target *t, FWRomDir *unit)
{
    FWDevice *dev = FW_DEVICE(t);
    uint32_t unique_id[2] = { dev->guid >> 32, dev->guid };
    unsigned lun;

    fw_rom_add_immediate(unit, KEY_UNIT_SPEC_ID, SBP2_SPEC_ID);
    fw_rom_add_immediate(unit, KEY_UNIT_SW_VERSION, SBP2_SW_VERSION);
    fw_rom_add_immediate(unit, KEY_COMMAND_SET_SPEC, SCSI_SPEC_ID);
    fw_rom_add_immediate(unit, KEY_COMMAND_SET, SCSI_COMMAND_SET);
    fw_rom_add_csr_offset(unit, KEY_MANAGEMENT_AGENT, SBP2_MANAGEMENT_AGENT);
    fw_rom_add_immediate(unit, KEY_CHARACTERISTICS,
                         t->mgt_orb_timeout << 8 | t->orb_size);
    fw_rom_add_immediate(unit, KEY_RECONNECT_TIMEOUT, t->max_hold_s - 1);
    fw_rom_add_immediate(unit, KEY_FIRMWARE, t->firmware_revision);
    fw_rom_add_leaf(unit, KEY_UNIT_UNIQUE_ID, unique_id, 2);
    for (lun = 0; lun < SBP2_MAX_LUNS; lun++) {
        SCSIDevice *device = logical_unit(t, lun);

        if (device) {
            unsigned type = t->ways.device_type ?: device->type;

            fw_rom_add_immediate(unit, KEY_LOGICAL_UNIT,
                                 (type & 0x1f) << 16 | lun);
        }
    }
    fw_rom_add_immediate(unit, KEY_MODEL, t->model_id);
    fw_rom_add_text(unit, t->model_name);
}

void sbp2_rom_build(SBP2Target *t)
{
    FWRomDir *root;

    if (!DEVICE(t)->realized) {
        return;
    }
    root = fw_rom_dir_new();
    fw_rom_add_immediate(root, KEY_VENDOR, t->vendor_id);
    fw_rom_add_text(root, t->vendor_name);
    fw_rom_add_immediate(root, KEY_CAPABILITIES, NODE_CAPABILITIES);
    rom_unit_directory(t, fw_rom_add_dir(root, KEY_UNIT_DIRECTORY));
    fw_device_set_rom(FW_DEVICE(t), root);
    fw_rom_dir_free(root);
    sbp2_fuzz_rom(t);
}

/* The logical units are there when the machine is complete */
static void machine_done(Notifier *notifier, void *data)
{
    sbp2_rom_build(container_of(notifier, SBP2Target, machine_done));
}

/* Requests */

static SBP2Login *login_at(SBP2Target *t, uint64_t offset, unsigned *at)
{
    uint64_t in = offset - SBP2_COMMAND_AGENTS;

    if (offset < SBP2_COMMAND_AGENTS ||
        in >= SBP2_MAX_LOGINS * SBP2_AGENT_STRIDE) {
        return NULL;
    }
    *at = in % SBP2_AGENT_STRIDE;
    return &t->login[in / SBP2_AGENT_STRIDE];
}

static void sbp2_write(FWDevice *dev, FWRequest *req, uint64_t offset,
                       const uint8_t *data, size_t length)
{
    SBP2Target *t = SBP2_TARGET(dev);
    unsigned at;
    SBP2Login *login = login_at(t, offset, &at);

    if (offset == SBP2_MANAGEMENT_AGENT) {
        sbp2_management_write(t, req, data, length);
    } else if (login) {
        sbp2_agent_write(login, req, at, data, length);
    } else {
        fw_device_respond(dev, req, FW_RCODE_ADDRESS_ERROR, NULL, 0);
    }
}

static void sbp2_read(FWDevice *dev, FWRequest *req, uint64_t offset,
                      size_t length)
{
    SBP2Target *t = SBP2_TARGET(dev);
    uint8_t pointer[8] = { 0 };
    unsigned at;
    SBP2Login *login = login_at(t, offset, &at);

    if (offset == SBP2_MANAGEMENT_AGENT && length == 8) {
        stq_be_p(pointer, t->management.orb);
        fw_device_respond(dev, req, FW_RCODE_COMPLETE, pointer, 8);
    } else if (login) {
        sbp2_agent_read(login, req, at, length);
    } else {
        fw_device_respond(dev, req, FW_RCODE_ADDRESS_ERROR, NULL, 0);
    }
}

static void sbp2_bus_reset(FWDevice *dev)
{
    sbp2_management_bus_reset(SBP2_TARGET(dev));
}

static void hold_over(void *opaque)
{
    sbp2_login_drop(opaque);
}

/* qdev */

static void logins_init(SBP2Target *t)
{
    unsigned i;

    for (i = 0; i < SBP2_MAX_LOGINS; i++) {
        SBP2Login *login = &t->login[i];

        login->target = t;
        login->id = i + 1;
        login->hold = timer_new_ns(QEMU_CLOCK_VIRTUAL, hold_over, login);
        QTAILQ_INIT(&login->tasks);
    }
}

static void sbp2_realize(DeviceState *qdev, Error **errp)
{
    SBP2Target *t = SBP2_TARGET(qdev);
    FWDeviceClass *parent = FW_DEVICE_CLASS(
        object_class_get_parent(object_get_class(OBJECT(qdev))));
    Error *err = NULL;

    if (!sbp2_persona_apply(t, errp)) {
        return;
    }
    if (t->orb_size < 8 || t->orb_size * 4 > SBP2_MAX_ORB ||
        t->queue_depth < 1 || t->max_hold_s < 1) {
        error_setg(errp, "orb-size is 8 to %d quadlets, queue-depth and "
                   "max-reconnect-hold at least 1", SBP2_MAX_ORB / 4);
        return;
    }
    logins_init(t);
    sbp2_faults_realize(t);
    scsi_bus_init(&t->scsi, sizeof(t->scsi), qdev, &sbp2_scsi_info);
    DEVICE_CLASS(parent)->realize(qdev, &err);
    if (err) {
        error_propagate(errp, err);
        return;
    }
    t->machine_done.notify = machine_done;
    qemu_add_machine_init_done_notifier(&t->machine_done);
}

static void sbp2_unrealize(DeviceState *qdev)
{
    SBP2Target *t = SBP2_TARGET(qdev);
    FWDeviceClass *parent = FW_DEVICE_CLASS(
        object_class_get_parent(object_get_class(OBJECT(qdev))));
    unsigned i;

    qemu_remove_machine_init_done_notifier(&t->machine_done);
    for (i = 0; i < SBP2_MAX_LOGINS; i++) {
        sbp2_agent_abort_all(&t->login[i]);
        timer_free(t->login[i].hold);
    }
    sbp2_faults_unrealize(t);
    DEVICE_CLASS(parent)->unrealize(qdev);
}

static FW_PROPERTY sbp2_properties[] = {
    DEFINE_PROP_STRING("persona", SBP2Target, persona),
    DEFINE_PROP_STRING("vendor-name", SBP2Target, vendor_name),
    DEFINE_PROP_STRING("model-name", SBP2Target, model_name),
    DEFINE_PROP_UINT32("vendor-id", SBP2Target, vendor_id, SBP2_BY_PERSONA),
    DEFINE_PROP_UINT32("model-id", SBP2Target, model_id, SBP2_BY_PERSONA),
    DEFINE_PROP_UINT32("firmware-revision", SBP2Target, firmware_revision,
                       SBP2_BY_PERSONA),
    DEFINE_PROP_UINT32("mgt-orb-timeout", SBP2Target, mgt_orb_timeout,
                       SBP2_BY_PERSONA),
    DEFINE_PROP_UINT32("orb-size", SBP2Target, orb_size, SBP2_BY_PERSONA),
    DEFINE_PROP_UINT32("max-reconnect-hold", SBP2Target, max_hold_s,
                       SBP2_BY_PERSONA),
    DEFINE_PROP_UINT32("max-logins", SBP2Target, max_logins, SBP2_BY_PERSONA),
    DEFINE_PROP_UINT32("queue-depth", SBP2Target, queue_depth,
                       SBP2_BY_PERSONA),
    FW_PROPERTIES_END
};

#define COUNTER(name, member) { name, offsetof(SBP2Target, count.member) }

/* What the target did so far, for all to read */
static const struct {
    const char *name;
    size_t offset;
} counters[] = {
    COUNTER("logins", logins),
    COUNTER("reconnects", reconnects),
    COUNTER("welcomes", welcomes),
    COUNTER("logouts", logouts),
    COUNTER("commands", commands),
    COUNTER("management-orbs", management),
    COUNTER("refused", refused),
    COUNTER("aborted", aborted),
    COUNTER("max-tasks", max_tasks),
    COUNTER("orb-pointers", orb_pointers),
    COUNTER("doorbells", doorbells),
    COUNTER("chained", chained),
    COUNTER("out-of-order", out_of_order),
    COUNTER("statuses-refused", statuses_refused),
};

/* The user of the target may forget it, but not read it */
static void set_password(Object *obj, const char *value, Error **errp)
{
    SBP2Target *t = SBP2_TARGET(obj);
    size_t length = strlen(value);

    if (length > sizeof(t->password)) {
        error_setg(errp, "password has at most %zu bytes",
                   sizeof(t->password));
        return;
    }
    memset(t->password, 0, sizeof(t->password));
    memcpy(t->password, value, length);
}

static void sbp2_init(Object *obj)
{
    SBP2Target *t = SBP2_TARGET(obj);
    unsigned i;

    sbp2_faults_init(t);
    sbp2_misbehave_init(t);
    sbp2_fuzz_init(t);
    object_property_add_str(obj, "password", NULL, set_password);
    for (i = 0; i < ARRAY_SIZE(counters); i++) {
        object_property_add_uint32_ptr(obj, counters[i].name,
                                       (void *)t + counters[i].offset,
                                       OBJ_PROP_FLAG_READ);
    }
    object_property_add_uint64_ptr(obj, "cmd-latency", &t->cmd_latency_ns,
                                   OBJ_PROP_FLAG_READWRITE);
    object_property_add_uint64_ptr(obj, "media-latency", &t->media_latency_ns,
                                   OBJ_PROP_FLAG_READWRITE);
    object_property_add_uint64_ptr(obj, "media-jitter", &t->media_jitter_ns,
                                   OBJ_PROP_FLAG_READWRITE);
}

static void sbp2_finalize(Object *obj)
{
    sbp2_misbehave_finalize(SBP2_TARGET(obj));
    sbp2_fuzz_finalize(SBP2_TARGET(obj));
}

static void sbp2_class_init(ObjectClass *klass, FW_CLASS_DATA data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    FWDeviceClass *fc = FW_DEVICE_CLASS(klass);

    dc->desc = "SBP-2 target (FireWire disk)";
    dc->realize = sbp2_realize;
    dc->unrealize = sbp2_unrealize;
    fc->write = sbp2_write;
    fc->read = sbp2_read;
    fc->bus_reset = sbp2_bus_reset;
    device_class_set_props(dc, sbp2_properties);
    set_bit(DEVICE_CATEGORY_STORAGE, dc->categories);
}

static const TypeInfo sbp2_info = {
    .name = TYPE_SBP2_TARGET,
    .parent = TYPE_FW_DEVICE,
    .instance_size = sizeof(SBP2Target),
    .instance_init = sbp2_init,
    .instance_finalize = sbp2_finalize,
    .class_init = sbp2_class_init,
};

static void sbp2_register_types(void)
{
    type_register_static(&sbp2_info);
}

type_init(sbp2_register_types)
