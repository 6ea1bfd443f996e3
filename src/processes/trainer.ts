// Entry of the trainer process, the same under child_process and Electron's utilityProcess. The file is also the entry
// of its numerics thread, so that it works bundled as one file.
import { isMainThread } from 'node:worker_threads'
import { serveTrainer } from './trainer/main-thread.ts'
import { runNumericsThread } from './trainer/numerics-thread.ts'

if (isMainThread) serveTrainer(new URL(import.meta.url))
else await runNumericsThread()
