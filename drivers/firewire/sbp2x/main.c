// SPDX-License-Identifier: GPL-2.0-only
/* sbp2x: SBP-2 initiator, SCSI over IEEE 1394. */
#include <linux/firewire.h>
#include <linux/mod_devicetable.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/string.h>
#include <linux/sysfs.h>
#include <linux/workqueue.h>

#include "debugfs.h"
#include "quirks.h"
#include "scsi.h"
#include "sysfs.h"

#define SBP2_SPECIFIER_ID	0x00609e
#define SBP2_VERSION		0x010483

static bool exclusive_login = true;
module_param(exclusive_login, bool, 0644);
MODULE_PARM_DESC(exclusive_login,
		 "Log in exclusively (default Y; N lets other computers use the device at the same time)");

static bool read_only;
module_param(read_only, bool, 0644);
MODULE_PARM_DESC(read_only,
		 "Let no command through that can change what is stored on a device, for evidence and dying disks (default N; see also read_only in /sys/class/sbp2x)");

static uint workarounds;
module_param(workarounds, uint, 0644);
MODULE_PARM_DESC(workarounds,
		 "Work around device bugs, a sum of: 0x1 128 KiB max transfer, 0x2 36 byte inquiry, 0x4 skip mode page 8, 0x8 fix capacity, 0x10 delay inquiry, 0x20 power condition in start stop unit, 0x100 only these and not the built-in list (default 0)");

/* A parameter that is one of some words; its value is the word's index */
struct choice {
	const char * const *words;	/* NULL ends them */
	int value;
};

static int choice_set(const char *val, const struct kernel_param *kp)
{
	struct choice *choice = kp->arg;
	int i = __sysfs_match_string(choice->words, -1, val);

	if (i < 0) {
		pr_err("%s: %s cannot be '%s'; see modinfo %s\n",
		       KBUILD_MODNAME, kp->name, val, KBUILD_MODNAME);
		return i;
	}
	choice->value = i;
	return 0;
}

static int choice_get(char *buf, const struct kernel_param *kp)
{
	const struct choice *choice = kp->arg;

	return sysfs_emit(buf, "%s\n", choice->words[choice->value]);
}

static const struct kernel_param_ops choice_ops = {
	.set = choice_set,
	.get = choice_get,
};

/* In the order of enum sbp2x_agent_mode, and one more */
static const char * const task_lists[] = {
	"serial", "chain", "doorbell", "auto", NULL
};

static struct choice task_list = {
	.words = task_lists,
	.value = SBP2X_TASK_LIST_AUTO,
};
module_param_cb(task_list, &choice_ops, &task_list, 0644);
MODULE_PARM_DESC(task_list,
		 "How commands are given to devices: serial (one at a time), chain (linked in memory), doorbell (linked, and the device is told so) or auto (chain for disks and optical drives, serial for all else; default)");

/* In the order of enum sbp2x_memory_mode */
static const char * const memories[] = {
	"physical", "guarded", "auto", NULL
};

static struct choice memory = {
	.words = memories,
	.value = SBP2X_MEMORY_AUTO,
};
module_param_cb(memory, &choice_ops, &memory, 0644);
MODULE_PARM_DESC(memory,
		 "How devices reach this computer's memory: guarded (only the data of their own commands, checked by the driver), physical (by the controller itself: faster, and all of the first 4 GiB unless an IOMMU confines it) or auto (physical where an IOMMU does, else guarded; default)");

static int sbp2x_probe(struct fw_unit *unit, const struct ieee1394_device_id *id)
{
	const struct sbp2x_target_config config = {
		.exclusive = exclusive_login,
		.workarounds = workarounds,
		.task_list = task_list.value,
		.memory = memory.value,
		.read_only = read_only,
	};

	/* A target of our own node, such as LIO's, is none that we log in to */
	if (fw_parent_device(unit)->is_local)
		return -ENODEV;

	return sbp2x_scsi_add(unit, &config);
}

/*
 * firewire-core looks for a driver before it locks the device: the unit may
 * have been unbound in between, and then it has no host any more.
 */
static void sbp2x_update(struct fw_unit *unit)
{
	if (dev_get_drvdata(&unit->device))
		sbp2x_scsi_bus_reset(unit);
}

static void sbp2x_remove(struct fw_unit *unit)
{
	sbp2x_scsi_remove(unit);
}

/*
 * sd has flushed its caches. Another computer, or the kernel that this one is
 * followed by, need not wait for the login's end.
 */
static void sbp2x_shutdown(struct device *device)
{
	sbp2x_scsi_shutdown(fw_unit(device));
}

static const struct ieee1394_device_id sbp2x_id_table[] = {
	{
		.match_flags = IEEE1394_MATCH_SPECIFIER_ID |
			       IEEE1394_MATCH_VERSION,
		.specifier_id = SBP2_SPECIFIER_ID,
		.version = SBP2_VERSION,
	},
	{ }
};
MODULE_DEVICE_TABLE(ieee1394, sbp2x_id_table);

static struct fw_driver sbp2x_driver = {
	.driver = {
		.owner = THIS_MODULE,
		.name = KBUILD_MODNAME,
		.bus = &fw_bus_type,
		.shutdown = sbp2x_shutdown,
	},
	.probe = sbp2x_probe,
	.update = sbp2x_update,
	.remove = sbp2x_remove,
	.id_table = sbp2x_id_table,
};

static int __init sbp2x_init(void)
{
	int ret;

	ret = sbp2x_sysfs_init();
	if (ret)
		return ret;

	sbp2x_debugfs_init();
	ret = sbp2x_scsi_init();
	if (ret)
		goto err_debugfs;

	ret = driver_register(&sbp2x_driver.driver);
	if (ret)
		goto err_scsi;

	return 0;

err_scsi:
	sbp2x_scsi_exit();
err_debugfs:
	sbp2x_debugfs_exit();
	sbp2x_sysfs_exit();
	return ret;
}

static void __exit sbp2x_exit(void)
{
	driver_unregister(&sbp2x_driver.driver);
	/* ... and may still be on its way into sbp2x_update() */
	flush_workqueue(fw_workqueue);
	sbp2x_scsi_exit();
	sbp2x_debugfs_exit();
	sbp2x_sysfs_exit();
}

module_init(sbp2x_init);
module_exit(sbp2x_exit);

MODULE_DESCRIPTION("SBP-2 initiator (SCSI over IEEE 1394)");
MODULE_AUTHOR("The sbp2x authors");
MODULE_VERSION("0.1");
MODULE_LICENSE("GPL");
