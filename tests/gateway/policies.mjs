export default { 'in the beta': ({ claims }) => claims?.name === 'Alice' }
