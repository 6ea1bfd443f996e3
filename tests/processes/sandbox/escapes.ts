// Programs that try to leave the sandbox or to use it up. Each calls `gain(...)` only where it got what it must not get;
// a program that was refused raises or returns, and its test then fails on purpose.
import { resolve } from 'node:path'
import type { ProgramOutcome } from '#shared/sandbox-protocol.ts'

/** Written by a program that got out. */
export const escapedFile = resolve('escaped.txt')

export interface Escape {
  readonly name: string
  readonly code: string
  /** Ends by itself when it is refused, so that many of them can be tried in one program. */
  readonly isQuiet?: true
  /** Ends its process, so that the next program waits for a new one: tried in tests/long. */
  readonly isSlow?: true
  /** Ends that are right for it; by default a failed test or an error. */
  readonly ends?: readonly ProgramOutcome['end'][]
}

/** `gained` is what the program got hold of; the tests pass only if there is something. */
export const pythonTests = 'assert gained, "gained nothing"'

const python = (name: string, ...lines: string[]): Escape => ({
  name,
  code: ['gained = None', ...lines].join('\n'),
})
const tryPython = (name: string, ...lines: string[]): Escape => ({
  ...python(
    name,
    'try:',
    ...lines.map((line) => `    ${line}`),
    'except BaseException as error:',
    '    pass',
  ),
  isQuiet: true,
})

export const pythonEscapes: readonly Escape[] = [
  { name: 'an endless loop', isSlow: true, code: 'while True:\n    pass', ends: ['time'] },
  { name: 'a sleep', isSlow: true, code: 'import time\ntime.sleep(60)', ends: ['time', 'error'] },
  { name: 'a gigabyte', code: 'gained = len(bytearray(10**9))', ends: ['memory'] },
  {
    name: 'memory bit by bit',
    isSlow: true,
    code: 'held = []\nwhile True:\n    held.append(bytearray(10**6))',
    ends: ['memory', 'crashed', 'time'],
  },
  {
    name: 'endless output',
    code: 'while True:\n    print("x" * 10000)',
    ends: ['output', 'time'],
  },
  {
    name: 'a gigabyte of output on one line',
    code: 'import sys\nfor _ in range(1000):\n    sys.stdout.write("x" * 10**6)',
    ends: ['output'],
  },
  {
    name: 'a file without end',
    code: 'with open("/tmp/big", "wb") as file:\n    while True: file.write(bytes(10**6))',
    ends: ['output'],
  },
  { name: 'a file made long', code: 'open("/tmp/a", "wb").truncate(10**10)', ends: ['output', 'error'] },
  {
    name: 'a pipe that nobody reads',
    code: 'import os\n_, out = os.pipe()\nwhile True: os.write(out, bytes(10**6))',
    ends: ['output', 'error'],
  },
  { name: 'an early exit', code: 'import sys\nsys.exit(0)', ends: ['error'] },
  {
    name: 'deep recursion',
    isSlow: true,
    code: 'def f(n): return f(n + 1)\nf(0)',
    ends: ['error', 'crashed'],
  },
  tryPython('the list of users', 'gained = open("/etc/passwd").read()'),
  tryPython(
    'the home folder',
    'import os, pathlib',
    'gained = [p for p in ["/root", "/home", "/work", "C:/Users"] if os.path.isdir(p) and set(os.listdir(p)) - {"pyodide", "web_user"}]',
  ),
  tryPython(
    'the environment',
    'import os',
    'known = {"USER", "LOGNAME", "PATH", "PWD", "HOME", "LANG", "_", "PYTHONINSPECT", "LD_LIBRARY_PATH"}',
    'gained = set(os.environ) - known or os.environ["HOME"] != "/home/pyodide"',
  ),
  tryPython('the host by js', 'import js', 'gained = js.process or js.globalThis'),
  tryPython('require by js', 'from js import require', 'gained = require("fs")'),
  tryPython('fetch by js', 'from js import fetch', 'gained = fetch'),
  tryPython('JavaScript as text', 'from pyodide.code import run_js', 'gained = run_js("globalThis") or True'),
  tryPython('the interpreter by pyodide_js', 'import pyodide_js', 'gained = pyodide_js'),
  tryPython(
    'the interpreter by its import hook',
    'from _pyodide._importhook import jsfinder',
    'gained = jsfinder.jsproxies.get("pyodide_js") or jsfinder.jsproxies.get("js")',
  ),
  tryPython(
    'a function made of text, by the constructor of a function',
    'from pyodide.ffi import to_js, create_proxy',
    'proxy = to_js([1])',
    'gained = proxy.map.constructor("return 7")()',
  ),
  tryPython(
    'the process, by the constructor of a function',
    'from pyodide.ffi import to_js',
    'gained = to_js({"a": 1}).constructor.constructor("return process")()',
  ),
  tryPython(
    'a module, by the constructor of an async function',
    'from pyodide.ffi import to_js',
    'gained = to_js([1]).map.constructor("return import(\'node:fs\')")()',
  ),
  tryPython(
    'a module, by the constructor of an async function that is reached another way',
    'from pyodide.ffi import to_js, create_proxy',
    'async def work(): pass',
    'for one in (to_js([1]).map, create_proxy(print), create_proxy(work), to_js({"a": 1})):',
    '    try:',
    '        made = one.constructor.constructor.constructor("return import(\'node:process\')")()',
    '        gained = gained or made',
    '    except BaseException:',
    '        pass',
  ),
  tryPython(
    'the stack of the host, by a handler of errors',
    'from pyodide.ffi import to_js, create_proxy, JsException',
    'try:',
    '    to_js([1]).map(1)',
    'except JsException as problem:',
    '    Error = problem.js_error.constructor.__proto__ if hasattr(problem, "js_error") else problem.constructor.__proto__',
    '    def look(error, sites):',
    '        global gained',
    '        gained = [site.getThis() for site in sites if site.getThis()]',
    '    Error.prepareStackTrace = create_proxy(look)',
    '    Error("x").stack',
  ),
  tryPython(
    'a changed prototype that lasts',
    'from pyodide.ffi import to_js',
    'to_js([1]).constructor.prototype.leftBehind = 1',
  ),
  tryPython('a connection', 'import socket', 'gained = socket.create_connection(("127.0.0.1", 80), 1)'),
  tryPython(
    'a name on the net',
    'import socket',
    'found = socket.gethostbyname("localhost")',
    'gained = not found.startswith(("127.", "172.29."))',
  ),
  tryPython(
    'a server',
    'import socket',
    'server = socket.socket()',
    'server.bind(("127.0.0.1", 8765))',
    'server.listen()',
    'gained = server',
  ),
  tryPython(
    'a page',
    'import urllib.request',
    'gained = urllib.request.urlopen("http://127.0.0.1/", timeout=1).read()',
  ),
  tryPython(
    'a page by Pyodide',
    'from pyodide.http import open_url',
    'gained = open_url("http://127.0.0.1/")',
  ),
  tryPython(
    'another process',
    'import subprocess',
    'gained = subprocess.run(["id"], capture_output=True).stdout',
  ),
  tryPython('a shell', 'import os', 'gained = os.system("true") == 0'),
  tryPython('a fork', 'import os', 'gained = os.fork()'),
  tryPython(
    'a thread',
    'import threading',
    'thread = threading.Thread(target=print)',
    'thread.start()',
    'gained = thread',
  ),
  tryPython(
    'a file of the host written',
    `target = ${JSON.stringify(escapedFile)}`,
    'open(target, "w").write("x")',
    'gained = open(target).read()',
  ),
  tryPython('a native library', 'import ctypes', 'gained = ctypes.CDLL("libc.so.6").getpid()'),
  {
    ...tryPython(
      'a script of the host, by a C function',
      'import ctypes',
      'gained = ctypes.CDLL(None).emscripten_run_script_int(b"7")',
    ),
    ends: ['crashed', 'error'],
    isSlow: true,
  },
  tryPython('a package', 'import micropip', 'gained = micropip'),
  // Those that end their process come last, so that no other program waits for a new one.
  {
    name: 'an endless loop that catches everything',
    code: 'while True:\n    try:\n        while True: pass\n    except BaseException: pass',
    ends: ['time'],
  },
  { name: 'an early exit of the process', code: 'import os\nos._exit(0)', ends: ['error', 'crashed'] },
]

/** Many quiet escapes one after another in one program; `gained` lists those that got something. */
export const joinPython = (escapes: readonly Escape[]): string => `
gained = []
for name, code in ${JSON.stringify(escapes.map(({ name, code }) => [name, code]))}:
    space = {}
    try:
        exec(code, space)
    except BaseException:
        pass
    if space.get("gained"):
        gained.append(name)
`

/** `gained` is what the program got hold of. */
export const javascriptTests = 'assert(globalThis.gained, "gained nothing")'

const javascript = (name: string, code: string): Escape => ({ name, code: `try { ${code} } catch {}` })

export const javascriptEscapes: readonly Escape[] = [
  { name: 'an endless loop', isSlow: true, code: 'for (;;) {}', ends: ['time'] },
  {
    name: 'an endless loop that catches everything',
    code: 'for (;;) { try { for (;;) {} } catch {} finally { continue } }',
    ends: ['time'],
  },
  {
    name: 'promises without end',
    isSlow: true,
    code: 'const go = () => Promise.resolve().then(go); go()',
    ends: ['time'],
  },
  { name: 'a gigabyte', code: 'globalThis.gained = new ArrayBuffer(1e9)', ends: ['memory', 'error'] },
  {
    name: 'memory bit by bit',
    code: 'const held = []; for (;;) held.push(new Uint8Array(1e6))',
    ends: ['memory'],
  },
  { name: 'a long text', code: "let text = 'x'; for (;;) text += text", ends: ['memory', 'error'] },
  { name: 'endless output', code: "for (;;) console.log('x'.repeat(10000))", ends: ['output'] },
  { name: 'deep recursion', code: 'const f = () => f() + 1; f()', ends: ['error', 'crashed'] },
  {
    name: 'a slow regular expression',
    isSlow: true,
    code: "/^(a+)+$/.test('a'.repeat(40) + 'b')",
    ends: ['time', 'error', 'test-failed'],
  },
  javascript('the process', 'gained = process'),
  javascript('the environment', 'gained = process.env'),
  javascript('a file', "gained = require('fs').readFileSync('/etc/passwd', 'utf8')"),
  javascript('a child process', "gained = require('child_process')"),
  javascript('a page', "gained = fetch('http://127.0.0.1/')"),
  javascript('a socket', "gained = new WebSocket('ws://127.0.0.1')"),
  javascript('a worker', 'gained = new Worker("x")'),
  javascript('a function made of text', "gained = Function('return process')()"),
  javascript('the global of the host', "gained = [].map.constructor('return this')().process"),
  javascript('the print of the host', 'gained = globalThis.__print'),
  javascript(
    'the host by the constructor of its function',
    "gained = console.log.constructor('return this')().constructor.constructor('return process')()",
  ),
  javascript('the file system of QuickJS', "gained = std.open('/etc/passwd', 'r') || os.open"),
  javascript(
    'shared memory',
    'gained = globalThis.SharedArrayBuffer && Atomics.wait && new WebAssembly.Memory({})',
  ),
  javascript('a timer', 'gained = setTimeout(() => {}, 0)'),
  javascript('the prototype of everything', 'Object.prototype.polluted = 1'),
  {
    name: 'a module by import',
    code: "import('fs').then((fs) => { globalThis.gained = fs })",
    ends: ['test-failed', 'error'],
  },
]
