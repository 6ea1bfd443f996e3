// Files that a page has sent for no project: models, journals, run bundles. Each lies in a folder of its own until it is
// taken, once; whoever takes it removes the folder.

export interface SentFiles {
  add(uploadId: string, path: string): void
  take(uploadId: string): string | null
}

export function createSentFiles(): SentFiles {
  const paths = new Map<string, string>()
  return {
    add: (uploadId, path) => {
      paths.set(uploadId, path)
    },
    take(uploadId) {
      const path = paths.get(uploadId) ?? null
      paths.delete(uploadId)
      return path
    },
  }
}
