/** esbuild's text loader: the file's contents. */
declare module '*.svg' {
  const text: string;
  export default text;
}
