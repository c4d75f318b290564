/* SPDX-License-Identifier: GPL-2.0-or-later */

#ifndef STUB_QDEV_PROPERTIES_H
#define STUB_QDEV_PROPERTIES_H

typedef struct Property { const char *name; } Property;

#define DEFINE_PROP_UINT8(name, type, member, value)    { name }
#define DEFINE_PROP_UINT32(name, type, member, value)   { name }
#define DEFINE_PROP_UINT64(name, type, member, value)   { name }
#define DEFINE_PROP_BOOL(name, type, member, value)     { name }
#define DEFINE_PROP_END_OF_LIST()                       { NULL }
#define device_class_set_props(dc, props)               ((void)(props))

#endif
