// What an operator of ours is made of: its attributes, inputs and results through TensorFlow's stable C interface, and how
// it is registered.
#pragma once
#include <cstdlib>
#include <string>
#include <vector>
#include "kernels.h"
#include "pool.h"
#include "tf_c_api.h"

namespace tw {
struct Failure { std::string message; };

class Context {
 public:
  explicit Context(TF_OpKernelContext* context) : context_(context), status_(TF_NewStatus()) {}
  ~Context() {
    for (TF_Tensor* tensor : held_) TF_DeleteTensor(tensor);
    TF_DeleteStatus(status_);
  }
  TF_Tensor* input(int i) {
    TF_Tensor* tensor = nullptr;
    TF_GetInput(context_, i, &tensor, status_);
    check();
    held_.push_back(tensor);
    return tensor;
  }
  template <typename T>
  T* output(int i, TF_DataType type, std::vector<int64_t> dims) {
    int64_t count = 1;
    for (int64_t d : dims) count *= d;
    TF_Tensor* tensor = TF_AllocateOutput(context_, i, type, dims.data(), int(dims.size()), count * sizeof(T), status_);
    check();
    held_.push_back(tensor);
    return static_cast<T*>(TF_TensorData(tensor));
  }
  /** null and an empty tensor where it is not wanted. */
  float* full(int i, bool wanted, std::vector<int64_t> dims) {
    float* data = output<float>(i, TF_FLOAT, wanted ? dims : std::vector<int64_t>{0});
    return wanted ? data : nullptr;
  }
  half_t* half(int i, bool wanted, std::vector<int64_t> dims) {
    half_t* data = output<half_t>(i, TF_BFLOAT16, wanted ? dims : std::vector<int64_t>{0});
    return wanted ? data : nullptr;
  }
  void fail(const std::string& message) {
    TF_SetStatus(status_, TF_INVALID_ARGUMENT, message.c_str());
    TF_OpKernelContext_Failure(context_, status_);
  }

 private:
  void check() {
    if (TF_GetCode(status_) != TF_OK) throw Failure{TF_Message(status_)};
  }
  TF_OpKernelContext* context_;
  TF_Status* status_;
  std::vector<TF_Tensor*> held_;
};

template <typename T>
T* dataOf(TF_Tensor* tensor) { return static_cast<T*>(TF_TensorData(tensor)); }
inline int64_t lastOf(TF_Tensor* tensor) { return TF_Dim(tensor, TF_NumDims(tensor) - 1); }
inline int64_t rowsOf(TF_Tensor* tensor) { return lastOf(tensor) ? TF_TensorElementCount(tensor) / lastOf(tensor) : 0; }

class Construction {
 public:
  explicit Construction(TF_OpKernelConstruction* c) : c_(c), status_(TF_NewStatus()) {}
  ~Construction() {
    if (TF_GetCode(status_) != TF_OK) TF_OpKernelConstruction_Failure(c_, status_);
    TF_DeleteStatus(status_);
  }
  int integer(const char* name) {
    int32_t value = 0;
    if (ok()) TF_OpKernelConstruction_GetAttrInt32(c_, name, &value, status_);
    return value;
  }
  float number(const char* name) {
    float value = 0;
    if (ok()) TF_OpKernelConstruction_GetAttrFloat(c_, name, &value, status_);
    return value;
  }
  bool flag(const char* name) {
    unsigned char value = 0;
    if (ok()) TF_OpKernelConstruction_GetAttrBool(c_, name, &value, status_);
    return value != 0;
  }
  std::vector<float> numbers(const char* name) {
    int32_t count = 0, bytes = 0;
    if (ok()) TF_OpKernelConstruction_GetAttrSize(c_, name, &count, &bytes, status_);
    std::vector<float> values(count > 0 ? count : 0);
    if (ok() && count > 0) TF_OpKernelConstruction_GetAttrFloatList(c_, name, values.data(), count, status_);
    return values;
  }

 private:
  bool ok() { return TF_GetCode(status_) == TF_OK; }
  TF_OpKernelConstruction* c_;
  TF_Status* status_;
};

/** Aligned room that is kept. */
struct Room {
  void* data = nullptr;
  size_t bytes = 0;
  void* of(size_t wanted) {
    if (bytes < wanted) {
      std::free(data);
      bytes = (wanted + 4095) / 4096 * 4096;
      data = std::aligned_alloc(64, bytes);
    }
    return data;
  }
  ~Room() { std::free(data); }
};
inline Room& packRoom() {
  static thread_local Room room;
  return room;
}
inline float* threadRoom(int64_t floats) {
  static thread_local Room room;
  return static_cast<float*>(room.of(floats * 4));
}

template <typename F>
void overRows(int64_t rows, F work, int chunk = 32) {
  parallel(int((rows + chunk - 1) / chunk), [&](int item) {
    const int from = item * chunk;
    work(from, int(from + chunk < rows ? from + chunk : rows));
  });
}

/** TensorFlow's pool for this operator's own threads; null (then one thread computes) where this version does not export it. */
void* deviceOf(TF_OpKernelContext* context);

template <typename Op>
struct Adapter {
  static void* create(TF_OpKernelConstruction* construction) {
    Construction c(construction);
    return new Op(c);
  }
  static void compute(void* op, TF_OpKernelContext* context) {
    lendPool(deviceOf(context));
    Context c(context);
    try {
      static_cast<Op*>(op)->run(c);
    } catch (const Failure& failure) {
      c.fail(failure.message);
    }
  }
  static void destroy(void* op) { delete static_cast<Op*>(op); }
};

struct Callbacks {
  void* (*create)(TF_OpKernelConstruction*);
  void (*compute)(void*, TF_OpKernelContext*);
  void (*destroy)(void*);
};
/** Defines an operator; lists of inputs, outputs and attributes are parted by ';'. Once in a process: a second definition ends it. */
void define(const char* name, const std::string& inputs, const std::string& outputs, const std::string& attributes,
            const Callbacks& callbacks);

template <typename Op>
void add(const char* name, const std::string& inputs, const std::string& outputs, const std::string& attributes) {
  define(name, inputs, outputs, attributes, {Adapter<Op>::create, Adapter<Op>::compute, Adapter<Op>::destroy});
}

const char* const wanted = "gives_full: bool;gives_half: bool;";

void addSumOperators();
void addRopeOperator();
void addNarrowOperators();
void addAttentionOperators();
}  // namespace tw
