#include "operator.h"
#include <dlfcn.h>
#include <cstdio>

namespace tw {
/** TensorFlow's pool for this operator's own threads; null (then one thread computes) where this version does not export it. */
void* deviceOf(TF_OpKernelContext* context) {
  typedef void* (*Find)(void*);
  static const Find find = reinterpret_cast<Find>(
      dlsym(RTLD_DEFAULT, "_ZNK10tensorflow15OpKernelContext12eigen_deviceIN5Eigen16ThreadPoolDeviceEEERKT_v"));
  void* device = find ? find(context) : nullptr;
  return device;
}

namespace {
void unknownShapes(TF_ShapeInferenceContext* context, TF_Status* status) {
  TF_ShapeInferenceContextSetUnknownShape(context, status);
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts;
  size_t from = 0;
  while (from < text.size()) {
    size_t to = text.find(';', from);
    if (to == std::string::npos) to = text.size();
    if (to > from) parts.push_back(text.substr(from, to - from));
    from = to + 1;
  }
  return parts;
}

}  // namespace

void define(const char* name, const std::string& inputs, const std::string& outputs, const std::string& attributes,
            const Callbacks& callbacks) {
  TF_Status* status = TF_NewStatus();
  TF_OpDefinitionBuilder* definition = TF_NewOpDefinitionBuilder(name);
  for (const std::string& each : split(inputs)) TF_OpDefinitionBuilderAddInput(definition, each.c_str());
  for (const std::string& each : split(outputs)) TF_OpDefinitionBuilderAddOutput(definition, each.c_str());
  for (const std::string& each : split(attributes)) TF_OpDefinitionBuilderAddAttr(definition, each.c_str());
  TF_OpDefinitionBuilderSetShapeInferenceFunction(definition, unknownShapes);
  TF_RegisterOpDefinition(definition, status);
  if (TF_GetCode(status) == TF_OK) {
    TF_KernelBuilder* builder =
        TF_NewKernelBuilder(name, "CPU", callbacks.create, callbacks.compute, callbacks.destroy);
    TF_RegisterKernelBuilder(name, builder, status);
  }
  if (TF_GetCode(status) != TF_OK) std::fprintf(stderr, "%s: %s\n", name, TF_Message(status));
  TF_DeleteStatus(status);
}
}  // namespace tw
