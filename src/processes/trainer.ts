// Entry of the trainer process, the same under child_process and Electron's utilityProcess. The file is also the entry
// of its numerics thread, so that it works bundled; each thread loads only its own half. (No await at the top level:
// a bundle in CommonJS could not have it.)
import { isMainThread } from 'node:worker_threads'

if (isMainThread)
  void import('./trainer/main-thread.ts').then(({ serveTrainer }) => serveTrainer(new URL(import.meta.url)))
else void import('./trainer/numerics-thread.ts').then(({ runNumericsThread }) => runNumericsThread())
