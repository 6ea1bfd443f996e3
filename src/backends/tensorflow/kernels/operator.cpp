#include <climits>
#include <cstdio>
#include <cstdlib>
#include <new>
#include "operator.h"

namespace tw {
void require(bool isSo, const char* message) {
  if (!isSo) throw Failure{message};
}

int64_t lastOf(const TF_Tensor* tensor) {
  const int rank = TF_NumDims(tensor);
  return rank > 0 ? TF_Dim(tensor, rank - 1) : 1;
}

int64_t rowsOf(const TF_Tensor* tensor) {
  const int64_t last = lastOf(tensor);
  return last > 0 ? TF_TensorElementCount(tensor) / last : 0;
}

namespace {
std::vector<int64_t> dimsOf(const TF_Tensor* tensor) {
  std::vector<int64_t> dims;
  for (int i = 0; i < TF_NumDims(tensor); ++i) dims.push_back(TF_Dim(tensor, i));
  return dims;
}

std::string textOf(const std::vector<int64_t>& dims) {
  std::string text = "[";
  for (const int64_t size : dims) text += (text.size() > 1 ? "," : "") + std::to_string(size);
  return text + "]";
}
}  // namespace

void requireShape(const char* name, const TF_Tensor* tensor, const std::vector<int64_t>& dims) {
  const std::vector<int64_t> found = dimsOf(tensor);
  if (found != dims) throw Failure{std::string(name) + ": expected " + textOf(dims) + ", got " + textOf(found)};
}

void requireRows(const char* name, const TF_Tensor* tensor, int64_t rows, int64_t width) {
  if (rowsOf(tensor) != rows || lastOf(tensor) != width)
    throw Failure{std::string(name) + ": expected " + textOf({rows, width}) + ", got " + textOf(dimsOf(tensor))};
}

void requireType(const char* name, const TF_Tensor* tensor, TF_DataType type) {
  if (TF_TensorType(tensor) != type) throw Failure{std::string(name) + ": another type than the attributes say"};
}

int countable(int64_t size, const char* name) {
  // Parts are counted in int, and a little is added to rows before it is compared.
  if (size < 0 || size > INT_MAX - 4096)
    throw Failure{std::string(name) + ": " + std::to_string(size) + " is too much"};
  return int(size);
}

int wideEnough(int64_t width, const char* name) {
  if (width <= 0 || width % 16 != 0)
    throw Failure{std::string(name) + ": expected a width that is a multiple of 16, got " + std::to_string(width)};
  return countable(width, name);
}

Context::Context(TF_OpKernelContext* context) : context_(context), status_(TF_NewStatus()) {}

Context::~Context() {
  for (TF_Tensor* tensor : held_) TF_DeleteTensor(tensor);
  TF_DeleteStatus(status_);
}

TF_Tensor* Context::hold(TF_Tensor* tensor) {
  try {
    held_.push_back(tensor);
  } catch (...) {
    TF_DeleteTensor(tensor);
    throw;
  }
  return tensor;
}

void Context::check() const {
  if (TF_GetCode(status_) != TF_OK) throw Failure{TF_Message(status_), TF_GetCode(status_)};
}

TF_Tensor* Context::input(int index) {
  TF_Tensor* tensor = nullptr;
  TF_GetInput(context_, index, &tensor, status_);
  check();
  return hold(tensor);
}

std::vector<int64_t> Context::shapeOf(int input) {
  TF_Tensor* tensor = nullptr;
  TF_GetInput(context_, input, &tensor, status_);
  check();
  hold(tensor);
  std::vector<int64_t> dims = dimsOf(tensor);
  held_.pop_back();
  TF_DeleteTensor(tensor);
  return dims;
}

void* Context::allocate(int index, TF_DataType type, const std::vector<int64_t>& dims, size_t bytesOfOne) {
  size_t bytes = bytesOfOne;
  for (const int64_t size : dims) bytes *= size_t(size);
  TF_Tensor* tensor = TF_AllocateOutput(context_, index, type, dims.data(), int(dims.size()), bytes, status_);
  check();
  return TF_TensorData(hold(tensor));
}

float* Context::full(int index, bool isWanted, const std::vector<int64_t>& dims) {
  float* data = output<float>(index, TF_FLOAT, isWanted ? dims : std::vector<int64_t>{0});
  return isWanted ? data : nullptr;
}

half_t* Context::half(int index, bool isWanted, const std::vector<int64_t>& dims) {
  half_t* data = output<half_t>(index, TF_BFLOAT16, isWanted ? dims : std::vector<int64_t>{0});
  return isWanted ? data : nullptr;
}

float* Context::fullInPlaceOf(int input, int index, const std::vector<int64_t>& dims, const float** source) {
  int forwarded = -1;
  TF_Tensor* tensor =
      TF_ForwardInputOrAllocateOutput(context_, &input, 1, index, dims.data(), int(dims.size()), &forwarded, status_);
  check();
  float* data = dataOf<float>(hold(tensor));
  *source = forwarded == input ? data : dataOf<float>(this->input(input));
  return data;
}

void Context::fail(TF_Code code, const char* message) noexcept {
  TF_SetStatus(status_, code, message);
  TF_OpKernelContext_Failure(context_, status_);
}

Construction::Construction(TF_OpKernelConstruction* construction)
    : construction_(construction), status_(TF_NewStatus()) {}

Construction::~Construction() { TF_DeleteStatus(status_); }

void Construction::check() const {
  if (TF_GetCode(status_) != TF_OK) throw Failure{TF_Message(status_), TF_GetCode(status_)};
}

int Construction::integer(const char* name) {
  int32_t value = 0;
  TF_OpKernelConstruction_GetAttrInt32(construction_, name, &value, status_);
  check();
  return value;
}

float Construction::number(const char* name) {
  float value = 0;
  TF_OpKernelConstruction_GetAttrFloat(construction_, name, &value, status_);
  check();
  return value;
}

bool Construction::flag(const char* name) {
  unsigned char value = 0;
  TF_OpKernelConstruction_GetAttrBool(construction_, name, &value, status_);
  check();
  return value != 0;
}

std::vector<float> Construction::numbers(const char* name) {
  int32_t count = 0, bytes = 0;
  TF_OpKernelConstruction_GetAttrSize(construction_, name, &count, &bytes, status_);
  check();
  std::vector<float> values(count > 0 ? size_t(count) : 0);
  if (!values.empty()) TF_OpKernelConstruction_GetAttrFloatList(construction_, name, values.data(), count, status_);
  check();
  return values;
}

void Construction::fail(TF_Code code, const char* message) noexcept {
  TF_SetStatus(status_, code, message);
  TF_OpKernelConstruction_Failure(construction_, status_);
}

Room::~Room() { std::free(data_); }

void* Room::of(size_t bytes) {
  if (bytes_ >= bytes) return data_;
  std::free(data_);
  bytes_ = 0;
  const size_t pages = (bytes + 4095) / 4096 * 4096;
  data_ = std::aligned_alloc(64, pages);
  if (!data_) throw std::bad_alloc();
  bytes_ = pages;
  return data_;
}

void* packedRoom(size_t bytes) {
  static thread_local Room room;
  return room.of(bytes);
}

namespace {
/** Sizes are symbols when a graph is loaded: the operators look at them in each run. */
void unknownShapes(TF_ShapeInferenceContext* context, TF_Status* status) {
  TF_ShapeInferenceContextSetUnknownShape(context, status);
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts;
  for (size_t from = 0; from < text.size();) {
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
  if (TF_GetCode(status) == TF_OK)
    TF_RegisterKernelBuilder(
        name, TF_NewKernelBuilder(name, "CPU", callbacks.create, callbacks.compute, callbacks.destroy), status);
  // Graphs that name it then cannot be loaded, and say so; here nobody listens.
  if (TF_GetCode(status) != TF_OK) std::fprintf(stderr, "%s: %s\n", name, TF_Message(status));
  TF_DeleteStatus(status);
}
}  // namespace tw
