// Prints the tables and views of the model as SQL for sqlite.
process.chdir(__dirname)
const cds = require('@sap/cds')
cds.load('*').then((model) => console.log(cds.compile(model).to.sql({ dialect: 'sqlite', as: 'str' })))
