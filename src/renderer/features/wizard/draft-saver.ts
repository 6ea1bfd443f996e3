// Keeps what a person changes: one save at a time, always of the newest draft, and none is lost in between.

export interface DraftSaver {
  /** Resolves when everything noted so far is kept, or the last try failed: then false. */
  save(): Promise<boolean>
  readonly isBusy: () => boolean
}

/** `saveNewest` saves what is newest at the moment it is called and says whether it was kept. */
export function makeDraftSaver(saveNewest: () => Promise<boolean>): DraftSaver {
  let isWanted = false
  let running: Promise<boolean> | null = null

  async function run(): Promise<boolean> {
    let isKept = true
    while (isWanted) {
      isWanted = false
      isKept = await saveNewest()
    }
    running = null
    return isKept
  }

  return {
    save() {
      isWanted = true
      running ??= run()
      return running
    },
    isBusy: () => running !== null,
  }
}
