// Entry of the trainer process, the same under child_process and Electron's utilityProcess. The file is also the entry
// of its numerics thread, so that it works bundled; each thread loads only its own half.
import { isMainThread } from 'node:worker_threads'

if (isMainThread) {
  const { serveTrainer } = await import('./trainer/main-thread.ts')
  serveTrainer(new URL(import.meta.url))
} else {
  const { runNumericsThread } = await import('./trainer/numerics-thread.ts')
  await runNumericsThread()
}
