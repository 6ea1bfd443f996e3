// What an operator of ours is made of: attributes, inputs and results through TensorFlow's stable C interface, the
// errors it gives, and how it is defined. Nothing here throws into TensorFlow.
#pragma once
#include <cstdint>
#include <new>
#include <string>
#include <vector>
#include "kernels.h"
#include "pool.h"
#include "tf_c_api.h"

namespace tw {
/** Thrown by operators; TensorFlow gets it as the status of the run. Never within `parallel`. */
struct Failure {
  std::string message;
  TF_Code code = TF_INVALID_ARGUMENT;
};
/** Throws Failure unless it is so. */
void require(bool isSo, const char* message);

template <typename T>
T* dataOf(TF_Tensor* tensor) {
  return static_cast<T*>(TF_TensorData(tensor));
}
/** The last size; of a scalar 1. */
int64_t lastOf(const TF_Tensor* tensor);
/** How often the last size is there; 0 where that is 0. */
int64_t rowsOf(const TF_Tensor* tensor);
/** Throws Failure where the tensor has another shape, naming it. */
void requireShape(const char* name, const TF_Tensor* tensor, const std::vector<int64_t>& dims);
/** The same for rows of a width, in any number of dimensions. */
void requireRows(const char* name, const TF_Tensor* tensor, int64_t rows, int64_t width);
void requireType(const char* name, const TF_Tensor* tensor, TF_DataType type);
/** Throws Failure where an int cannot count so many. */
int countable(int64_t size, const char* name);
/** Throws Failure unless it is a multiple of 16 and not 0: vectors have no rest. */
int wideEnough(int64_t width, const char* name);

/** One run of an operator. Its methods throw Failure with TensorFlow's own status. */
class Context {
 public:
  explicit Context(TF_OpKernelContext* context);
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  /** Good until this context ends. */
  TF_Tensor* input(int index);
  template <typename T>
  T* output(int index, TF_DataType type, const std::vector<int64_t>& dims) {
    return static_cast<T*>(allocate(index, type, dims, sizeof(T)));
  }
  /** null, and an empty tensor, where it is not wanted. */
  float* full(int index, bool isWanted, const std::vector<int64_t>& dims);
  half_t* half(int index, bool isWanted, const std::vector<int64_t>& dims);
  /**
   * A float32 result in the memory of a float32 input that nobody else will read, or else in memory of its own. The
   * input must not be held meanwhile: its shape is read before by `shapeOf`. `source`: the input's numbers, in either
   * place.
   */
  float* fullInPlaceOf(int input, int index, const std::vector<int64_t>& dims, const float** source);
  std::vector<int64_t> shapeOf(int input);
  void fail(TF_Code code, const char* message) noexcept;

 private:
  void* allocate(int index, TF_DataType type, const std::vector<int64_t>& dims, size_t bytesOfOne);
  TF_Tensor* hold(TF_Tensor* tensor);
  void check() const;

  TF_OpKernelContext* context_;
  TF_Status* status_;
  std::vector<TF_Tensor*> held_;
};

/** The attributes of an operator. Its methods throw Failure. */
class Construction {
 public:
  explicit Construction(TF_OpKernelConstruction* construction);
  ~Construction();
  Construction(const Construction&) = delete;
  Construction& operator=(const Construction&) = delete;

  int integer(const char* name);
  float number(const char* name);
  bool flag(const char* name);
  std::vector<float> numbers(const char* name);
  void fail(TF_Code code, const char* message) noexcept;

 private:
  void check() const;

  TF_OpKernelConstruction* construction_;
  TF_Status* status_;
};

/** Aligned memory that is kept and grows. */
class Room {
 public:
  Room() = default;
  ~Room();
  Room(const Room&) = delete;
  Room& operator=(const Room&) = delete;
  /** What was there is lost. Throws std::bad_alloc. */
  void* of(size_t bytes);

 private:
  void* data_ = nullptr;
  size_t bytes_ = 0;
};

/** Room of the thread that runs an operator, for weights in another order; parts of the work read it. */
void* packedRoom(size_t bytes);

/** work(from, to) over rows [0, rows) in parts. */
template <typename F>
void overRows(int64_t rows, F work, int64_t rowsOfPart = 32) {
  parallel(int((rows + rowsOfPart - 1) / rowsOfPart), [&](int part) {
    const int64_t from = part * rowsOfPart, to = from + rowsOfPart < rows ? from + rowsOfPart : rows;
    work(int(from), int(to));
  });
}

/** Runs `work` and hands its exceptions to `fail(code, message)`. */
template <typename Work, typename Fail>
void guarded(Work work, Fail fail) noexcept {
  try {
    work();
  } catch (const Failure& failure) {
    fail(failure.code, failure.message.c_str());
  } catch (const std::bad_alloc&) {
    fail(TF_RESOURCE_EXHAUSTED, "there is not enough memory for this operator");
  } catch (...) {
    fail(TF_INTERNAL, "this operator failed for an unknown reason");
  }
}

/** What TensorFlow calls: Op(Construction&) once, run(Context&) for each run, by several threads at once. */
struct Callbacks {
  void* (*create)(TF_OpKernelConstruction*);
  void (*compute)(void*, TF_OpKernelContext*);
  void (*destroy)(void*);
};

template <typename Op>
struct Adapter {
  static void* create(TF_OpKernelConstruction* construction) {
    Op* made = nullptr;
    Construction attributes(construction);
    guarded([&] { made = new Op(attributes); }, [&](TF_Code code, const char* text) { attributes.fail(code, text); });
    return made;
  }
  static void compute(void* op, TF_OpKernelContext* context) {
    const LentPool lent(context);
    Context run(context);
    guarded([&] { static_cast<Op*>(op)->run(run); }, [&](TF_Code code, const char* text) { run.fail(code, text); });
  }
  static void destroy(void* op) { delete static_cast<Op*>(op); }
};

/**
 * Defines an operator for the processor; inputs, outputs and attributes as TensorFlow writes them, parted by ';'. Once
 * in a process: a second definition ends it.
 */
void define(const char* name, const std::string& inputs, const std::string& outputs, const std::string& attributes,
            const Callbacks& callbacks);

template <typename Op>
void add(const char* name, const std::string& inputs, const std::string& outputs, const std::string& attributes) {
  define(name, inputs, outputs, attributes, {Adapter<Op>::create, Adapter<Op>::compute, Adapter<Op>::destroy});
}

/** Attributes of operators whose result comes as float32, as bfloat16 or as both. */
const char* const wanted = "gives_full: bool;gives_half: bool;";

// No texts of the whole program, std::string, in the files of these: registration may run before they are made.
void addSumOperators();
void addGatedOperators();
void addRopeOperator();
void addNarrowOperators();
void addCrossEntropyOperator();
void addAttentionOperators();
}  // namespace tw
