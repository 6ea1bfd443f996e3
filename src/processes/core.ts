// Entry of the core process of the desktop program: the whole workstation behind the port of the program that holds the
// window. It ends when that program is gone.
import { serveCore } from './core/serve-core.ts'
import { connectParent } from './parent-port.ts'

// Ctrl-C and a closed terminal reach every process; the window program says `close`.
for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => {})
const parent = connectParent()
serveCore({ send: parent.send, onMessage: parent.onMessage, exit: () => process.exit(0) })
