// What the window program itself says to people: menus, dialogs, the tray, notifications.
export const words = {
  name: 'Tunewright',
  menu: {
    file: 'File',
    closeWindow: 'Close window',
    quit: 'Quit',
    edit: 'Edit',
    view: 'View',
    reload: 'Load the page again',
    zoomIn: 'Larger',
    zoomOut: 'Smaller',
    zoomReset: 'Usual size',
    fullScreen: 'Full screen',
  },
  tray: {
    idle: 'Tunewright',
    run: (name: string, percent: number) => `${name}: ${percent} %`,
    open: 'Open Tunewright',
    quit: 'Stop with a checkpoint and quit',
  },
  ended: {
    finished: (name: string) => ({
      title: 'Training has finished',
      body: `${name} is ready. Open it to see the proof.`,
    }),
    stopped: (name: string) => ({
      title: 'Training has stopped',
      body: `${name} can be continued from its checkpoint.`,
    }),
    failed: (name: string) => ({
      title: 'Training could not go on',
      body: `${name}: open it to read why and what helps.`,
    }),
  },
  openExternal: {
    title: 'Open in your browser?',
    message: 'This leaves Tunewright and opens in your browser:',
    open: 'Open',
    cancel: 'Cancel',
  },
  pickModel: { folder: 'Choose the folder of a model', file: 'Choose a GGUF file', button: 'Use this model' },
  coreDown: {
    title: 'Tunewright cannot go on',
    quit: 'Quit',
  },
  notices: {
    title: 'About your journal',
    message: 'Please read this once: it is about the journal, in which Tunewright keeps what was trained.',
    understood: 'I have read this',
  },
  pageDied: {
    title: 'This page stopped several times',
    message: 'Runs go on. If loading the page again does not help, quit Tunewright and start it again.',
    reload: 'Load the page again',
    leave: 'Leave it',
  },
  pageHangs: {
    title: 'This page does not answer',
    message:
      'Runs go on. You can wait, or load the page again; what you typed on it and did not save is then gone.',
    reload: 'Load the page again',
    leave: 'Wait',
  },
  helperGone: (name: string, reason: string, exitCode: number) =>
    `A helper process of the window ended: ${name} (${reason}, exit code ${exitCode}). It is started again when it is needed.\n`,
} as const
