/*
 * Types by name, single inheritance, and of the properties
 * only those that are boolean or a string.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef STUB_OBJECT_H
#define STUB_OBJECT_H

typedef struct ObjectClass {
    const char *name;
    struct ObjectClass *parent;
} ObjectClass;
typedef struct Object { void *klass; } Object;

typedef struct TypeInfo {
    const char *name;
    const char *parent;
    size_t instance_size;
    size_t class_size;
    bool abstract;
    void (*instance_init)(Object *obj);
    void (*instance_finalize)(Object *obj);
    void (*class_init)(ObjectClass *klass, void *data);
} TypeInfo;

void type_register_static(const TypeInfo *info);
void *object_new(const char *name);
void object_unref(void *obj);

#define OBJECT(obj) ((Object *)(obj))
#define object_get_class(obj) ((ObjectClass *)(obj)->klass)
#define object_class_get_parent(klass) ((void *)(klass)->parent)
#define object_get_typename(obj) (((ObjectClass *)(obj)->klass)->name)

#define OBJECT_DECLARE_SIMPLE_TYPE(Type, MACRO)                             \
    typedef struct Type Type;                                               \
    static inline Type *MACRO(void *obj) { return obj; }

#define OBJECT_DECLARE_TYPE(Type, Class, MACRO)                             \
    OBJECT_DECLARE_SIMPLE_TYPE(Type, MACRO)                                 \
    typedef struct Class Class;                                             \
    static inline Class *MACRO##_CLASS(void *klass) { return klass; }       \
    static inline Class *MACRO##_GET_CLASS(void *obj)                       \
    {                                                                       \
        return ((Object *)obj)->klass;                                      \
    }

#define OBJ_PROP_FLAG_READ 0
#define OBJ_PROP_FLAG_READWRITE 0
#define object_property_add_uint32_ptr(obj, name, value, flags) ((void)0)
#define object_property_add(obj, name, type, get, set, release, data) \
    ((void)(get), (void)(set))
#define object_property_add_str(obj, name, get, set) \
    ((void)(obj), (void)(get), (void)(set))
#define object_property_add_uint64_ptr(obj, name, value, flags) ((void)0)
#define object_class_property_add(klass, name, type, get, set, release, data) \
    ((void)(get), (void)(set))

typedef void ObjectSetBool(Object *obj, bool value, Error **errp);
#define object_class_property_add_bool(klass, name, get, set) \
    ((void)(get), stub_property_add_bool(name, set))
void stub_property_add_bool(const char *name, ObjectSetBool *set);
void object_property_set_bool(Object *obj, const char *name, bool value,
                              Error **errp);

typedef void ObjectSetStr(Object *obj, const char *value, Error **errp);
#define object_class_property_add_str(klass, name, get, set) \
    ((void)(get), stub_property_add_str(name, set))
void stub_property_add_str(const char *name, ObjectSetStr *set);
void object_property_set_str(Object *obj, const char *name, const char *value,
                             Error **errp);
#define object_class_property_set_description(klass, name, text) ((void)0)

#endif
