using business from '../db/business';

@path: 'API_PURCHASEORDER_PROCESS_SRV'
service API_PURCHASEORDER_PROCESS_SRV {
  @readonly entity A_PurchaseOrder as projection on business.PurchaseOrder;
  @readonly entity A_PurchaseOrderItem as projection on business.PurchaseOrderItem;
}

@path: 'api_purchaseorder_2/srvd_a2x/sap/purchaseorder/0001'
service api_purchaseorder_2 {
  @readonly entity PurchaseOrder as projection on business.PurchaseOrder;
  @readonly entity PurchaseOrderItem as projection on business.PurchaseOrderItem;
}

@path: 'API_PRODUCT_SRV'
service API_PRODUCT_SRV {
  @readonly entity A_Product as projection on business.Product;
  @readonly entity A_ProductDescription as projection on business.ProductDescription;
  @readonly entity A_ProductPlant as projection on business.ProductPlant;
}

@path: 'API_BUSINESS_PARTNER'
service API_BUSINESS_PARTNER {
  @readonly entity A_Supplier as projection on business.Supplier;
}

@path: 'API_COSTCENTER_SRV'
service API_COSTCENTER_SRV {
  @readonly entity A_CostCenter as projection on business.CostCenter;
}

@path: 'API_MATERIAL_DOCUMENT_SRV'
service API_MATERIAL_DOCUMENT_SRV {
  @readonly entity A_MaterialDocumentItem as projection on business.MaterialDocumentItem;
}

@path: 'API_SUPPLIERINVOICE_PROCESS_SRV'
service API_SUPPLIERINVOICE_PROCESS_SRV {
  @readonly entity A_SupplierInvoice as projection on business.SupplierInvoice;
}

@path: 'API_GLACCOUNTLINEITEM'
service API_GLACCOUNTLINEITEM {
  @readonly entity GLAccountLineItem as projection on business.GLAccountLineItem;
}

@path: 'Z_EVERY_TYPE_SRV'
service Z_EVERY_TYPE_SRV {
  @readonly entity EveryTypeSet as projection on business.EveryType;
}
