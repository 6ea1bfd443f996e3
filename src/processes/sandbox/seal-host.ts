// Takes away from this process what a program could harm the computer with, before the first program comes: files, net,
// other processes, the environment. Cannot be undone. (The permission flags of the launcher do the same once more.)
import { createRequire, isBuiltin, syncBuiltinESMExports } from 'node:module'
import process from 'node:process'

/** Modules whose every function is replaced by one that refuses. */
const sealedModules = [
  'child_process',
  'cluster',
  'dgram',
  'dns',
  'dns/promises',
  'fs',
  'fs/promises',
  'http',
  'http2',
  'https',
  'inspector',
  'module',
  'net',
  'os',
  'repl',
  'tls',
  'v8',
  'vm',
  'wasi',
  'worker_threads',
  'sqlite',
  'trace_events',
  'async_hooks',
  'test',
] as const

const sealedOfProcess = [
  'binding',
  '_linkedBinding',
  'dlopen',
  'getBuiltinModule',
  'kill',
  '_kill',
  'chdir',
  'setuid',
  'setgid',
  'umask',
  'report',
  'stdout',
  'stdin',
  'cwd',
] as const

const sealedGlobals = [
  'process',
  'fetch',
  'WebSocket',
  'EventSource',
  'navigator',
  'BroadcastChannel',
  'MessageChannel',
  'Worker',
  'SharedArrayBuffer',
  'Atomics',
  'require',
  'gc',
] as const

function refuse(): never {
  throw new Error('not in the sandbox')
}

/** After this neither `import` nor `require` gives anything that reaches beyond the process. */
export function sealHost(): void {
  const require = createRequire(import.meta.url)
  for (const [name, value] of Object.entries(process.env)) if (value !== undefined) delete process.env[name]
  const found = sealedModules
    .map((name) => `node:${name}`)
    .filter(isBuiltin)
    .map((name) => require(name) as object)
  for (const module of found) replaceFunctions(module)
  replaceFunctions(process, sealedOfProcess)
  syncBuiltinESMExports()
  for (const name of sealedGlobals) Reflect.deleteProperty(globalThis, name)
  sealTextAsCode()
  // A handler here would be called with the functions on the stack.
  Object.defineProperty(Error, 'prepareStackTrace', {
    value: undefined,
    writable: false,
    configurable: false,
  })
}

/**
 * Every way from a text to a function: `eval`, and the four constructors, which are met through any function's prototype.
 * What stands in their place has their prototype, so that `instanceof` and inheritance go on working.
 */
function sealTextAsCode(): void {
  const functions = [() => {}, async () => {}, function* () {}, async function* () {}]
  for (const [i, one] of functions.entries()) {
    const prototype: object = Object.getPrototypeOf(one)
    const standIn = function refused(): never {
      throw new Error('not in the sandbox')
    }
    Object.defineProperty(standIn, 'prototype', { value: prototype, writable: false })
    const sealed = { value: standIn, writable: false, configurable: false }
    Object.defineProperty(prototype, 'constructor', sealed)
    if (i === 0) Object.defineProperty(globalThis, 'Function', sealed)
  }
  Object.defineProperty(globalThis, 'eval', { value: refuse, writable: false, configurable: false })
}

function replaceFunctions(holder: object, names: readonly string[] = Object.keys(holder)): void {
  for (const name of names) {
    const property = Object.getOwnPropertyDescriptor(holder, name)
    if (typeof property?.value !== 'function') continue
    if (property.configurable)
      Object.defineProperty(holder, name, { value: refuse, writable: false, configurable: false })
    else if (property.writable) Reflect.set(holder, name, refuse)
  }
}

/** What this file uses of the host's WebAssembly; Node's types name no values of it. */
interface WebAssemblyHost {
  readonly Memory: { readonly prototype: WasmMemory }
  compile(bytes: Uint8Array): Promise<WebAssembly.Module>
}
interface WasmMemory {
  readonly buffer: ArrayBuffer
  grow(this: WasmMemory, pages: number | bigint): number
}

export const webAssembly = (globalThis as unknown as { WebAssembly: WebAssemblyHost }).WebAssembly

/** Holds every WebAssembly memory of this process, earlier ones too, to `limitBytes`. */
export function limitWebAssemblyMemory(limitBytes: number): void {
  const pageBytes = 65_536
  const { prototype } = webAssembly.Memory
  const { grow } = prototype
  prototype.grow = function growWithin(pages) {
    if (this.buffer.byteLength + Number(pages) * pageBytes > limitBytes) throw new RangeError('memory limit')
    return grow.call(this, pages)
  }
}
